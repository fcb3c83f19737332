"""docs/deploying.md followed word for word on a bare Debian: the shell blocks, in their order, as root.

Only with --long, since it installs a Debian, and where debootstrap can make one. What is not from the page: names that
the page leaves open, an administrator with a tight umask and no home, a telephone, a systemctl that does nothing, and
the start of PostgreSQL and of the web server: nothing boots here.
"""

import os
import re
import shutil
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from sequence.local.launch.install import ROOT

SUITE, MIRROR = "bookworm", os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
PAGE = ROOT / "docs" / "deploying.md"
SECTIONS = ["Install", "Two roles", "First steps", "Back up", "Restore", "Upgrade"]
# The bundle that this machine trusts: it may sit behind a proxy with a certificate of its own.
TRUSTED = "/etc/trusted.crt"
PREPARE = """
printf '#!/bin/sh\\nexit 0\\n' > /usr/local/bin/systemctl; chmod +x /usr/local/bin/systemctl
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
"""
START_POSTGRES = "service postgresql start\n"
SERVE = """
serve() { (set -a; . /etc/sequence.env; PORT=@PORT; cd /opt/sequence; exec runuser -u sequence -- "$@"); }
serve @WEB & web=$!
manage run_worker --once
for try in $(seq 60); do
    python3 -c "import urllib.request as r; print(r.urlopen('http://127.0.0.1:@PORT/healthz').read())" && break
    sleep 1
done
kill $web
"""
# Ann's authenticator app: it scans what is printed, and types its code in.
ENROL = "manage enrol_second_factor ann"
TELEPHONE = f"""
mkfifo /typed; export PYTHONUNBUFFERED=1
{ENROL} < /typed > /printed & enrolling=$!
exec 3> /typed
until grep -q 'secret=' /printed; do sleep 0.2; done
python3 - <<'END' >&3
import base64, hashlib, hmac, re, struct, time
secret = base64.b32decode(re.search(r"secret=([A-Z2-7]+)", open("/printed").read())[1])
digest = hmac.digest(secret, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1)
start = digest[-1] & 15
print(f"{{(struct.unpack('>I', digest[start:start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}}")
END
exec 3>&-
wait $enrolling
"""
# What the page promises of the roles and files: each is to fail.
ATTACK = """
refused() { if "$@" 2> /refused; then echo "NOT REFUSED: $*"; exit 1; fi; cat /refused; }
as_app() { (. /etc/sequence.env; exec psql --set ON_ERROR_STOP=1 "$DATABASE_URL" -c "$1"); }
refused as_app "UPDATE pghistory_context SET metadata = '{}'"
(. /etc/sequence-owner.env; sed "s,^DATABASE_URL=.*,DATABASE_URL=$DATABASE_OWNER_URL," /etc/sequence.env) > /owner.env
serving_as_owner() { (set -a; . /owner.env; cd /opt/sequence; exec .venv/bin/python manage.py "$@"); }
refused serving_as_owner check --deploy
refused serving_as_owner run_worker --once
refused runuser -u sequence -- cat /etc/sequence-owner.env
refused runuser -u sequence -- touch /opt/sequence/manage.py
"""


def shell_blocks(section: str) -> list[str]:
    """Return the shell blocks of a section of the page, but for those of the embedded server."""
    text = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert text, f"The page has no section {section}."
    blocks = re.findall(r"^```sh\n(.*?)^```", text[1], re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "bin_folder" not in block]


def exec_start(unit: str) -> str:
    return re.search(rf"^ExecStart=(.*{re.escape(unit)}.*)$", PAGE.read_text(), re.MULTILINE)[1]


def whole_script(release: str, port: int) -> str:
    parts = ["set -eux; umask 077", PREPARE]
    for section in SECTIONS:
        parts += shell_blocks(section)
        parts += [START_POSTGRES] if section == "Install" else []
        parts += [SERVE] if section == "First steps" else []
    script = "\n".join([*parts, ATTACK, "echo ALL DONE\n"])
    script = re.sub(rf"^{ENROL}.*$", TELEPHONE.replace("\\", r"\\"), script, count=1, flags=re.MULTILINE)
    names = {"REPOSITORY": "/mnt/repository", "RELEASE": release, "db.example.com": "localhost"}
    for name, meant in {**names, "@PORT": str(port), "@WEB": exec_start("launch.web")}.items():
        script = script.replace(name, meant)
    return script


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def bare_debian(tmp_path) -> Path:
    """The root of a Debian with nothing but what makes it one."""
    if os.geteuid() != 0 or not shutil.which("debootstrap") or not shutil.which("unshare"):
        pytest.skip("Needs root, debootstrap and unshare to make a bare Debian.")
    try:
        urllib.request.urlopen(f"{MIRROR}/dists/{SUITE}/Release", timeout=10).close()  # noqa: S310 - the mirror's
    except OSError as error:
        pytest.skip(f"{MIRROR} cannot be reached (DEBIAN_MIRROR names another): {error}")
    root = tmp_path / "debian"
    command = ["debootstrap", "--variant=minbase", SUITE, str(root), MIRROR]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    if Path("/etc/ssl/certs/ca-certificates.crt").exists():
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / TRUSTED[1:])
    return root


@pytest.fixture
def release(bare_debian) -> str:
    """The commit that is checked out, in a repository that the Debian can clone."""
    git = ["git", "-C", str(ROOT)]
    told = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603
    if told.returncode:
        pytest.skip("This is no checkout that could be cloned.")
    clone = ["clone", "--quiet", "--bare", str(ROOT), str(bare_debian / "mnt/repository")]
    subprocess.run([*git, *clone], check=True)  # noqa: S603
    return told.stdout.strip()


def follow(root: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run the script in the Debian, in a namespace that ends with it: no process is left behind."""
    (root / "script").write_text(script)
    names = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
    }
    names |= {name: value for name, value in os.environ.items() if name.lower() in ("http_proxy", "https_proxy")}
    if (root / TRUSTED[1:]).exists():
        names |= dict.fromkeys(["PIP_CERT", "SSL_CERT_FILE", "GIT_SSL_CAINFO"], TRUSTED)
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    enter = f"mount -t proc proc {root}/proc && mount --rbind /dev {root}/dev && exec chroot {root} sh /script"
    command = [*apart, "sh", "-c", enter]
    return subprocess.run(command, env=names, capture_output=True, text=True, check=False, timeout=1800)  # noqa: S603


@pytest.mark.long
def test_the_page_is_followed_word_for_word(bare_debian, release):
    done = follow(bare_debian, whole_script(release, free_port()))

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert done.stdout.endswith("ALL DONE\n")
    assert "b'ok" in done.stdout
    assert done.stdout.count("The ledger is right") == 3  # First steps, restored, upgraded.
    assert "permission denied for table pghistory_context" in done.stdout
    assert "The role sequence owns" in done.stdout


def test_the_page_has_its_blocks():
    assert {section: len(shell_blocks(section)) for section in SECTIONS} == {
        "Install": 2,
        "Two roles": 1,
        "First steps": 2,
        "Back up": 1,
        "Restore": 2,
        "Upgrade": 1,
    }
