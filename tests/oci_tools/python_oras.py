"""Pushes and pulls with Python's oras, which is a library without a command of its own.

    python_oras.py push IMAGE FILE[:TYPE]...
    python_oras.py pull IMAGE FOLDER

$ORAS_CONFIG names a Docker config.json, and $ORAS_CA a file of authorities, without which it speaks
plain HTTP.
"""

import os
import sys

import oras.client
import requests


def main(verb, image, *args):
    authority = os.environ.get("ORAS_CA")
    verify = authority or True
    client = oras.client.OrasClient(
        insecure=not authority,
        tls_verify=verify,
        auth_backend=auth_backend(image, verify) if authority else "token",
    )
    config = os.environ["ORAS_CONFIG"]
    if verb == "push":
        # It never asks for more than its first token gives, and first it only looks what is there.
        container = client.get_container(image)
        client.auth.load_configs(container, configs=[config])
        client.do_request(f"{client.prefix}://{container.upload_blob_url()}", "POST")
        client.push(target=image, files=list(args), config_path=config)
    elif verb == "pull":
        client.pull(target=image, outdir=args[0], config_path=config)
    else:
        raise SystemExit(__doc__)


def auth_backend(image, verify):
    """The library wants to be told what the registry asks for."""
    host = image.partition("/")[0]
    response = requests.get(f"https://{host}/v2/", verify=verify, timeout=30)
    challenge = response.headers.get("WWW-Authenticate", "")
    return "basic" if challenge.lower().startswith("basic ") else "token"


if __name__ == "__main__":
    main(*sys.argv[1:])
