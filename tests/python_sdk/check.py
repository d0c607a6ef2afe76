"""Uses the sandbox as a customer would: through Zenlayer's own Python SDK.

Usage: check.py ENDPOINT, e.g. check.py http://127.0.0.1:18080. Needs a fleet of more than one
page of twenty with a running pay-as-you-go machine and a running subscription, and the
sandbox's own credentials. Prints `ok`, or fails with what went wrong.
"""

import sys
from urllib.parse import urlsplit

from zenlayercloud.bmc.v20221120 import bmc_client, models
from zenlayercloud.common.config import Config
from zenlayercloud.common.credential import Credential, TokenCredential
from zenlayercloud.common.excpetion.zenlayer_cloud_sdk_exception import ZenlayerCloudSdkException

KEY_ID, KEY_SECRET, TOKEN = "sandbox-key", "sandbox-secret", "sandbox-token"
PAGE_SIZE = 20


def client_of(endpoint, credential):
    """The SDK takes scheme and domain apart; a port may follow the domain, and is signed."""
    url = urlsplit(endpoint)
    config = Config(scheme=url.scheme, domain=url.netloc, request_timeout=10)
    return bmc_client.BmcClient(credential, config)


def page_of(client, page_num):
    request = models.DescribeInstancesRequest()
    request.pageNum, request.pageSize = page_num, PAGE_SIZE
    return client.DescribeInstances(request)


def list_all(client):
    first = page_of(client, 1)
    pages = -(-first.totalCount // PAGE_SIZE)
    assert pages > 1, "the fleet must need more than one page"
    machines = list(first.dataSet)
    for page_num in range(2, pages + 1):
        machines += page_of(client, page_num).dataSet
    assert len({machine.instanceId for machine in machines}) == first.totalCount
    return machines


def find(machines, charge_type):
    for machine in machines:
        is_running = machine.instanceStatus == "RUNNING"
        if is_running and machine.instanceChargeType == charge_type:
            return machine.instanceId
    raise AssertionError(f"no running {charge_type} machine")


def status_of(client, instance_id):
    request = models.DescribeInstancesRequest()
    request.instanceIds = [instance_id]
    (machine,) = client.DescribeInstances(request).dataSet
    return machine.instanceStatus


def terminate(client, instance_id):
    request = models.TerminateInstanceRequest()
    request.instanceId = instance_id
    return client.TerminateInstance(request)


def code_of(call):
    try:
        call()
    except ZenlayerCloudSdkException as error:
        return error.code
    raise AssertionError("the call was not refused")


def expect(found, wanted):
    assert found == wanted, f"{found!r} instead of {wanted!r}"


def main(endpoint):
    client = client_of(endpoint, Credential(KEY_ID, KEY_SECRET))
    machines = list_all(client)

    eligible = find(machines, "POSTPAID")
    assert terminate(client, eligible).requestId
    expect(status_of(client, eligible), "RECYCLE")
    expect(code_of(lambda: terminate(client, eligible)), "OPERATION_DENIED_INSTANCE_RECYCLED")

    subscription = find(machines, "PREPAID")
    refusal = code_of(lambda: terminate(client, subscription))
    expect(refusal, "OPERATION_DENIED_INSTANCE_SUBSCRIPTION")
    expect(status_of(client, subscription), "RUNNING")
    expect(code_of(lambda: terminate(client, "no-such-id")), "INVALID_INSTANCE_NOT_FOUND")

    stranger = client_of(endpoint, Credential(KEY_ID, "a wrong secret"))
    expect(code_of(lambda: page_of(stranger, 1)), "AUTHFAILURE_SIGNATURE_FAILURE")
    bearer = client_of(endpoint, TokenCredential(TOKEN))
    expect(page_of(bearer, 1).totalCount, len(machines))
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1])
