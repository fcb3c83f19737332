"""A standby: a second server, which follows the world's."""

from pathlib import Path

from sequence.local.postgres.account import server_account
from sequence.local.postgres.binaries import bin_folder_for
from sequence.local.postgres.cluster import Cluster
from tests.postgres.conftest import connect
from tests.transfers.chaos.site import make_url, wait_until
from tests.transfers.chaos.world import World


class Standby(World):
    """A second server that follows the world's, commit by commit."""

    def __init__(self, primary: World, folder: Path) -> None:
        self.primary = primary
        self.cluster = Cluster(folder)
        self.account = server_account(primary.cluster.data)
        self.programs = bin_folder_for(self.account)
        folder.mkdir()
        self.account.give(folder)
        source = (f"--host={primary.host}", f"--port={primary.port}", f"--username={primary.user}")
        copy = ("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", f"--pgdata={self.cluster.data}")
        self.account.run(self.programs / "pg_basebackup", *source, *copy)
        self.cluster.ensure_running()
        self.host, self.port = str(self.cluster.address()["host"]), primary.port
        hosts, ports = f"{primary.host},{self.host}", f"{primary.port},{self.port}"
        url = make_url(host=hosts, port=ports, user=primary.user, name="chaos")  # type: ignore[arg-type]
        self.url = f"{url}&target_session_attrs=read-write"
        # The standby alone.
        self.own_url = make_url(host=self.host, port=self.port, user=primary.user, name="chaos")

    def follow_synchronously(self) -> None:
        """Let the primary confirm no commit that this one has not on its disk."""
        with connect(self.primary.cluster) as server:
            server.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            server.execute("SELECT pg_reload_conf()")
        state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_until(lambda: self.primary.ask(state) == 1, "the standby is a synchronous one")

    def promote(self) -> None:
        self.account.run(self.programs / "pg_ctl", "promote", "-D", self.cluster.data, "-w", "--silent")
