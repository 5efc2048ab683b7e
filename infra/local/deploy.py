"""Deploys the repository's own template into the emulator and prints the stack's outputs as JSON.

Reads one JSON object from standard input:

    endpoint    address of the emulator
    stack       name of the stack
    template    path of template.yaml
    only        beginnings of types: all other resources are left out (null: nothing is)
    parameters  {name: value}
    binaries    {CodeUri of the template: path of the built binary}
    secret      {key: value} for the app's secret; empty leaves what the template generates

What did not change since the last time (by hash) is neither zipped, uploaded nor deployed.
Progress goes to standard error, one line per step. Ends with 1 and the reason there.
"""

import hashlib
import io
import json
import re
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

CODE_BUCKET = "greenhub-local-code"
TEMPLATE_KEY = "template.json"
FINGERPRINT_TAG = "greenhub:fingerprint"


class Failure(Exception):
    """A reason to stop that needs no stack trace."""


class TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, read into their long form."""


def short_tag(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


TemplateLoader.add_multi_constructor("!", short_tag)


def client(order, service):
    """A client of the emulator, deaf to whatever AWS profile the developer has."""
    return boto3.client(
        service,
        endpoint_url=order["endpoint"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"}),
    )


def zipped(path):
    """The binary as `bootstrap`, with fixed times so that the same binary is the same zip."""
    entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o755 << 16
    entry.create_system = 3
    entry.compress_type = zipfile.ZIP_DEFLATED
    buffer = io.BytesIO()
    with open(path, "rb") as binary, zipfile.ZipFile(buffer, "w", compresslevel=1) as archive:
        archive.writestr(entry, binary.read())
    return buffer.getvalue()


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def upload(order):
    """Puts each binary that is not there yet; returns {CodeUri: key} and the keys of older ones."""
    s3 = client(order, "s3")
    s3.create_bucket(Bucket=CODE_BUCKET)
    listed = s3.list_objects_v2(Bucket=CODE_BUCKET).get("Contents", [])
    present = {item["Key"] for item in listed}

    def put(item):
        code_uri, path = item
        key = f"{code_uri}/{digest(path)}.zip"
        if key not in present:
            body = zipped(path)
            s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=body)
            print(f"uploaded {code_uri}, {len(body) / 1e6:.1f} MB", file=sys.stderr)
        return code_uri, key

    # Compression runs outside of the interpreter's lock.
    with ThreadPoolExecutor() as pool:
        keys = dict(pool.map(put, sorted(order["binaries"].items())))
    return keys, sorted(present - set(keys.values()) - {TEMPLATE_KEY})


def with_code(template, keys):
    """The template with its code found in the bucket instead of in folders."""
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        code_uri = resource["Properties"]["CodeUri"]
        if code_uri not in keys:
            raise Failure(f"{name} in template.yaml wants {code_uri}, which is no package here")
        resource["Properties"]["CodeUri"] = {"Bucket": CODE_BUCKET, "Key": keys[code_uri]}
        resource.pop("Metadata", None)
    return json.dumps(template, sort_keys=True)


def referred(value):
    """The names that a part of the template refers to."""
    if isinstance(value, list):
        return set().union(*map(referred, value))
    if not isinstance(value, dict):
        return set()
    names = referred(list(value.values()))
    if "Ref" in value:
        names.add(value["Ref"])
    if "Fn::GetAtt" in value:
        names.add(value["Fn::GetAtt"][0])
    if isinstance(value.get("Fn::Sub"), str):
        names.update(re.findall(r"\$\{(\w+)", value["Fn::Sub"]))
    return names


def reduced(template, types):
    """The template with the resources of these types, and the outputs that name one of them."""
    resources = {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"].startswith(tuple(types))
    }
    outputs = {
        name: output
        for name, output in template["Outputs"].items()
        if referred(output) <= resources.keys()
    }
    return {"Resources": resources, "Outputs": outputs}


def described(cloudformation, name):
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def why(cloudformation, name):
    """What failed first, in the words of the emulator."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [e for e in events if e["ResourceStatus"].endswith("FAILED")]
    reasons = [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', '?')}" for e in failed]
    return "; ".join(reversed(reasons)) or "no reason was given"


def settle(cloudformation, name):
    """Waits for the stack and returns it, or raises with the reason."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        stack = described(cloudformation, name)
        status = stack["StackStatus"]
        if not status.endswith("IN_PROGRESS"):
            if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
                return stack
            raise Failure(f"the stack is {status}: {why(cloudformation, name)}")
        time.sleep(0.1)
    raise Failure("the stack did not settle within two minutes")


def deploy(order, body):
    cloudformation = client(order, "cloudformation")
    name, parameters = order["stack"], order["parameters"]
    fingerprint = hashlib.sha256(
        json.dumps([body, parameters], sort_keys=True).encode()
    ).hexdigest()
    stack = described(cloudformation, name)
    if stack and stack["StackStatus"] in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"):
        cloudformation.delete_stack(StackName=name)
        while described(cloudformation, name):
            time.sleep(0.1)
        stack = None
    complete = stack and stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])} if stack else {}
    if complete and tags.get(FINGERPRINT_TAG) == fingerprint:
        print("the stack is as it was", file=sys.stderr)
        return stack
    # A template of more than 51,200 bytes is taken from a bucket alone.
    client(order, "s3").put_object(Bucket=CODE_BUCKET, Key=TEMPLATE_KEY, Body=body.encode())
    call = cloudformation.update_stack if stack else cloudformation.create_stack
    call(
        StackName=name,
        TemplateURL=f"{order['endpoint']}/{CODE_BUCKET}/{TEMPLATE_KEY}",
        Parameters=[
            {"ParameterKey": key, "ParameterValue": str(value)}
            for key, value in sorted(parameters.items())
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=[{"Key": FINGERPRINT_TAG, "Value": fingerprint}],
    )
    stack = settle(cloudformation, name)
    print("the stack is deployed", file=sys.stderr)
    return stack


def keep_secret(order, name):
    if not order["secret"]:
        return
    secrets = client(order, "secretsmanager")
    wanted = json.dumps(order["secret"], sort_keys=True)
    if secrets.get_secret_value(SecretId=name)["SecretString"] != wanted:
        secrets.put_secret_value(SecretId=name, SecretString=wanted)
        print("the secret is set", file=sys.stderr)


def main():
    order = json.load(sys.stdin)
    with open(order["template"], encoding="utf-8") as file:
        template = yaml.load(file, TemplateLoader)
    if order["only"]:
        template = reduced(template, order["only"])
    keys, stale = upload(order)
    stack = deploy(order, with_code(template, keys))
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
    keep_secret(order, outputs["AppSecretName"])
    for key in stale:
        client(order, "s3").delete_object(Bucket=CODE_BUCKET, Key=key)
    json.dump(outputs, sys.stdout)


if __name__ == "__main__":
    try:
        main()
    except (Failure, ClientError) as failure:
        sys.exit(f"deployment failed: {failure}")
