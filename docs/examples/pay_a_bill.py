"""Agent that pays a bill inside its caps: python docs/examples/pay_a_bill.py SOURCE DESTINATION CENTS

Needs SEQUENCE_URL (http://localhost:8000) and SEQUENCE_KEY (sk_…), and nothing but Python. SOURCE and DESTINATION are
names of accounts. It asks what it may do, tries the payment dry, pays with a reason, hears what would help where it is
refused, proposes a rule for the next time, and waits for a person where one must decide.
"""

import json
import os
import sys
import time
import urllib.request

URL = os.environ.get("SEQUENCE_URL", "http://localhost:8000") + "/api/mcp"
KEY = os.environ.get("SEQUENCE_KEY", "")
WAIT_SECONDS = 60


def ask(tool, **arguments):
    """Return what a tool answers: its result, and whether that is a refusal."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "Accept": "application/json"}
    request = urllib.request.Request(URL, json.dumps(call).encode(), headers)  # noqa: S310 - the address is yours
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        result = json.load(answer)["result"]
    return result["structuredContent"], result["isError"]


def must(tool, **arguments):
    """Return what a tool answers, or end with what it refuses."""
    content, is_refusal = ask(tool, **arguments)
    if is_refusal:
        sys.exit(f"{tool}: {content['code']}: {content['message']}")
    return content


def find_account(name):
    """Return the account that is called so."""
    for account in must("listAccounts", pageSize=100)["items"]:
        if account["name"] == name:
            return account
    sys.exit(f"There is no account {name!r} that this key may see.")


def pay(bill):
    """Return the transfer that pays the bill; where it is refused, say what would help, and pay what may go now."""
    dry_run = must("dryRunTransfer", **bill)
    print(dry_run["sentence"])
    content, is_refusal = ask("createTransfer", **bill)
    if not is_refusal:
        return content
    print(f"Refused: {content['message']}")
    for change in content.get("smallestChanges", []):
        print(f"  would help: {change['change']} {change['to']}")
    amounts = [one["to"] for one in content.get("smallestChanges", []) if one["change"] == "amount_in_cents"]
    if not amounts:
        return None
    return must("createTransfer", **{**bill, "amountInCents": amounts[0]})


def wait_for(transfer):
    """Return the status in which the transfer ends; one that a person must decide may take its time."""
    deadline = time.monotonic() + WAIT_SECONDS
    while transfer["status"] in ("PENDING_APPROVAL", "PROCESSING", "PENDING") and time.monotonic() < deadline:
        time.sleep(0.5)
        transfer = must("getTransfer", id=transfer["id"])
    return transfer["status"]


def as_node(account):
    """Return the account as a rule names it."""
    return {"id": account["id"], "type": account["type"]}


def propose(source, destination, cents):
    """Write a rule that pays the same when it is asked to. It does nothing until a person has enabled it."""
    ends = {"source": as_node(source), "destination": as_node(destination)}
    steps = [{"actions": [{"type": "FIXED", **ends, "amountInCents": cents}]}]
    trigger = {"type": "MANUAL", "accountId": source["id"]}
    rule, is_refusal = ask("createRule", name="Pay this bill", trigger=trigger, steps=steps)
    print(rule["message"] if is_refusal else f"A rule waits for a person: {rule['activationUrl']}")


def main():
    source, destination, cents = find_account(sys.argv[1]), find_account(sys.argv[2]), int(sys.argv[3])
    key = must("getKey")
    print(f"I am {key['name']}, and may: {', '.join(sorted({entry['scope'] for entry in key['permissions']}))}")
    bill = {"sourceAccountId": source["id"], "destinationAccountId": destination["id"], "amountInCents": cents}
    transfer = pay({**bill, "reason": "The bill is due."})
    print("Nothing was paid." if transfer is None else f"{transfer['amountInCents']} cents: {wait_for(transfer)}")
    propose(source, destination, cents)


if __name__ == "__main__":
    main()
