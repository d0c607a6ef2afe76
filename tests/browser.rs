//! The status page in a real browser: nothing overflows, all can be reached by keyboard and read, on a desk and on a telephone, by day
//! and by night, with no machine and with ten thousand.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and tell what it measured"
)]

mod common;

use common::{Stage, browser::Browser, due, service::Service};
use serde_json::Value;
use zenreaper::sandbox::{Machine, fleet};

const SCREENS: [(u32, u32); 2] = [(1280, 900), (390, 844)];
const SCHEMES: [&str; 2] = ["light", "dark"];

/// The longest that the service may take for the page, whatever the fleet.
const ANSWER_MS_MAX: f64 = 200.0;

/// What is wider than the screen.
const OVERFLOW: &str = "
const page = document.documentElement;
const over = [...document.body.querySelectorAll('*')]
  .filter(e => !e.closest('.hidden, thead') && e.getClientRects().length && e.getBoundingClientRect().right > page.clientWidth + 1)
  .map(e => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 40));
return { scroll: page.scrollWidth, client: page.clientWidth, over };";

/// What somebody who does not see the page as it is drawn would stumble over.
const STRUCTURE: &str = "
const all = s => [...document.querySelectorAll(s)];
const wrong = [];
const need = (ok, what) => { if (!ok) wrong.push(what); };
need(document.documentElement.lang === 'en', 'lang');
need(document.title.length > 5, 'title');
need(all('main').length === 1 && all('body > header').length === 1 && all('body > footer').length === 1, 'landmarks');
need(all('h1').length === 1, 'one h1');
let level = 0;
for (const h of all('h1, h2, h3')) {
  const own = Number(h.tagName[1]);
  need(own <= level + 1, 'heading ' + h.textContent);
  level = own;
}
for (const t of all('table')) {
  need(t.caption && t.caption.textContent.length > 5, 'caption');
  for (const th of t.querySelectorAll('th')) need(['col', 'row'].includes(th.scope), 'scope of ' + th.textContent);
}
for (const s of all('section')) need(document.getElementById(s.getAttribute('aria-labelledby')), 'label of ' + s.id);
for (const n of all('nav')) need(n.ariaLabel, 'label of a nav');
for (const s of all('svg')) need(s.ariaHidden === 'true' || (s.getAttribute('role') === 'img' && s.ariaLabel), 'text of a drawing');
for (const a of all('a[href^=\"#\"]')) need(document.querySelector(a.getAttribute('href')), 'target of ' + a.textContent);
for (const a of all('a')) need(a.textContent.trim(), 'text of a link');
for (const t of all('time')) need(!isNaN(Date.parse(t.dateTime)), 'datetime ' + t.dateTime);
const ids = all('[id]').map(e => e.id);
need(new Set(ids).size === ids.length, 'ids are unique');
need(!all('[style], script, iframe, img, form').length, 'nothing that acts or is outside');
return wrong;";

/// Every text whose contrast with what lies behind it is below that of WCAG AA.
const CONTRAST: &str = "
const rgb = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length === 4 ? m : [...m, 1]; };
const lum = ([r, g, b]) => { const f = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
  return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
const faint = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim(), e = walker.currentNode.parentElement;
  if (!text || e.closest('.hidden')) continue;
  const [a, b] = [lum(rgb(getComputedStyle(e).color)), lum(behind(e))];
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < 4.5) faint.add(ratio.toFixed(2) + ' ' + e.tagName + '.' + e.className + ' ' + text.slice(0, 30));
}
return [...faint];";

/// Where the keyboard is, and whether that shows.
const FOCUSED: &str = "
const e = document.activeElement;
if (!e || e === document.body) return null;
const style = getComputedStyle(e), box = e.getBoundingClientRect();
return { name: e.textContent.trim(), shows: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.top >= 0 && box.left >= 0 };";

const TABBED: &str =
    "return [...document.querySelectorAll('a[href]')].map(e => e.textContent.trim());";

const LOADED: &str = "
const timing = performance.getEntriesByType('navigation')[0];
return { answer: timing.responseEnd - timing.requestStart, load: timing.loadEventEnd, bytes: timing.decodedBodySize };";

async fn looks_right(browser: &Browser, url: &str, name: &str) {
    for (width, height) in SCREENS {
        for scheme in SCHEMES {
            let what = format!("{name} at {width}, {scheme}");
            browser.screen(width, height, scheme).await;
            browser.open(url).await;
            if let Ok(folder) = std::env::var("ZENREAPER_TEST_PICTURES") {
                let file = format!("{name}-{width}-{scheme}.png");
                browser.picture(&std::path::Path::new(&folder).join(file)).await;
            }
            let size = browser.script(OVERFLOW).await;
            assert!(size["scroll"].as_u64() <= size["client"].as_u64(), "{what}: {size:#}");
            assert_eq!(
                (&size["client"], &size["over"]),
                (&width.into(), &serde_json::json!([])),
                "{what}"
            );
            assert_eq!(browser.script(CONTRAST).await, serde_json::json!([]), "{what}");
            assert_eq!(browser.script(STRUCTURE).await, serde_json::json!([]), "{what}");
            let complaints = browser.complaints().await;
            assert!(complaints.is_empty(), "{what}: {complaints:#?}");
        }
    }
}

/// Goes through the page with the tabulator alone, from the skip link to the last link.
async fn keyboard_reaches_all(browser: &Browser, url: &str) {
    browser.open(url).await;
    let expected = browser.script(TABBED).await;
    let expected = expected.as_array().unwrap();
    for wanted in expected {
        browser.tab().await;
        let focused = browser.script(FOCUSED).await;
        assert_eq!(
            (&focused["name"], &focused["shows"]),
            (wanted, &Value::Bool(true)),
            "of {expected:?}"
        );
    }
}

/// The best of some loads: how long the service took, in ms.
async fn answers_in_time(browser: &Browser, url: &str, name: &str) {
    let mut best = f64::MAX;
    for _ in 0..5 {
        browser.open(url).await;
        let timing = browser.script(LOADED).await;
        best = best.min(timing["answer"].as_f64().unwrap());
        println!("{name}: {timing}");
    }
    assert!(best < ANSWER_MS_MAX, "{name}: {best} ms");
}

/// A daemon that ran once over these machines and goes every quarter of an hour from then on.
async fn ran_once(machines: Vec<Machine>, rules: &str) -> Service {
    let stage = Stage::with(machines).await.rules(rules);
    // Nobody reads what it logs until it ends, and thousands of lines fill a pipe.
    let service = Service::at("127.0.0.1", stage, "* * * * * *", &[("RUST_LOG", "error")]).await;
    // Ten thousand machines take a debug build on a busy host a while.
    service.within(2000, "/", |(_, page)| page.contains("Worked out")).await;
    let config = service.stage.path("config.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("* * * * * *", "*/15 * * * *")).unwrap();
    service.running.signal("HUP");
    let settled = |page: &str| {
        page.contains("<code>*/15 * * * *</code>") && !page.contains("Runs are so frequent")
    };
    service.within(2000, "/", |(_, page)| settled(page)).await;
    service
}

const RULES: &str = "
rules:
  - name: development
    description: Development machines live three days
    match: { tags: { env: [dev, test] } }
    expire: { tag: ttl, default: 72h, max: 30d }
    notice: 24h
  - name: stopped
    match: { status: STOPPED, zone: SEL-A }
    expire: { after: 30d }
  - name: everything-else-some-day
    match: { tags: { env: '*' } }
    expire: { after: 4000d }
";

#[tokio::test]
async fn the_page_is_usable_by_everybody_everywhere() {
    let Some(browser) = Browser::start().await else {
        common::skip("chromium and chromium-driver are not installed: the page is not looked at");
        return;
    };
    let empty = Service::on(Stage::with(Vec::new()).await.dry(), "0 0 0 1 1 *").await;
    let url = format!("{}/", empty.base);
    looks_right(&browser, &url, "empty").await;
    keyboard_reaches_all(&browser, &url).await;

    let mut machines = fleet::generate(10_000, 1, zenreaper::clock::now());
    let long = "a-name-of-two-hundred-and-fifty-five-characters-".repeat(6);
    machines.push(due("i-long").with("instanceName", long).with_tag("env", "dev"));
    machines.push(due("i-wide").with("instanceName", "\u{fdfd}".repeat(60)).with_tag("env", "dev"));
    let service = ran_once(machines, RULES).await;
    let url = format!("{}/", service.base);
    looks_right(&browser, &url, "ten-thousand").await;
    keyboard_reaches_all(&browser, &url).await;
    answers_in_time(&browser, &url, "ten thousand machines").await;
    let page = service.get("/").await.1;
    assert!(page.len() < 300_000, "{} bytes", page.len());
    assert!(page.contains("more: <code>"), "what a list leaves out is counted");
}
