"""DATABASE_URL and DATABASE_OWNER_URL: read as they are meant, or refused in a sentence that shows nothing of them."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from sequence.database_url import read_database_url
from tests.test_production import start

# Where a password stands in a URL below. No part of it may be shown.
PASSWORD = ("sesame", "tahini")


def read(url: str) -> dict[str, object]:
    return read_database_url("DATABASE_URL", url)


class TestReadDatabaseUrl:
    @pytest.mark.parametrize(
        ("url", "meant"),
        [
            ("postgres://me:sesame@db:5432/money", ("me", "sesame", "db", "5432", "money", {})),
            ("postgresql://me@db/money", ("me", "", "db", "", "money", {})),
            ("postgres://db/money", ("", "", "db", "", "money", {})),
            ("postgres://me:a%2Fb%23c%40d%3Fe%3Af%25g@db/money", ("me", "a/b#c@d?e:f%g", "db", "", "money", {})),
            ("postgres://me:a:b+c&d=e,f[g$h@db/money", ("me", "a:b+c&d=e,f[g$h", "db", "", "money", {})),
            ("postgres://me:x@[::1]:5433/money", ("me", "x", "::1", "5433", "money", {})),
            ("postgres://me:x@a:1,b:2/money", ("me", "x", "a,b", "1,2", "money", {})),
            ("postgres://me:x@a,b:2/money", ("me", "x", "a,b", ",2", "money", {})),
            ("postgres://me:x@%2Frun%2Fpg/money", ("me", "x", "/run/pg", "", "money", {})),
            ("postgres://me:x@/money?host=/run&port=2", ("me", "x", "", "", "money", {"host": "/run", "port": "2"})),
            (
                "postgres://me:x@/money?host=%2Frun&port=2",
                ("me", "x", "", "", "money", {"host": "/run", "port": "2"}),
            ),
            (
                "postgres://me:x@a,b/money?target_session_attrs=read-write&connect_timeout=5",
                ("me", "x", "a,b", "", "money", {"target_session_attrs": "read-write", "connect_timeout": "5"}),
            ),
            ("postgres://me:x@db/m%C3%BCnzen%2F1", ("me", "x", "db", "", "münzen/1", {})),
        ],
    )
    def test_returns_what_is_meant(self, url, meant):
        entry = read(url)

        assert tuple(entry[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME", "OPTIONS")) == meant

    @pytest.mark.parametrize(
        "url",
        [
            # A password with what it may not hold as it is.
            "postgres://me:sesame/tahini@db/money",
            "postgres://me:sesame#tahini@db/money",
            "postgres://me:sesame?tahini@db/money",
            "postgres://me:sesame@tahini@db/money",
            "postgres://me:sesame@tahini/1@db/money",
            "postgres://me:sesame@tahini/1?sslmode=x@db/money",
            "postgres://me:sesame/tahini?x@db/money",
            "postgres://me:sesame%tahini@db/money",
            "postgres://me:sesame tahini@db/money",
            "postgres://me:5432/tahini@db/money",
            # Other schemes, and no URL at all.
            "mysql://me:sesame@db/money",
            "http://me:sesame@db/money",
            "sqlite:///sesame",
            "sesame",
            " ",
            "me:sesame@db/money",
            "db/money",
            "host=db dbname=money password=sesame",
            '"postgres://me:sesame@db/money"',
            "POSTGRES_URL=postgres://me:sesame@db/money",
            "postgres:/me:sesame@db/money",
            # A part that is missing.
            "postgres://",
            "postgres:///money",
            "postgres://me:sesame@/money",
            "postgres://me:sesame@:5432/money",
            "postgres://me:sesame@db,/money",
            "postgres://me:sesame@db",
            "postgres://me:sesame@db/",
            "postgres://me:sesame@db?sslmode=require",
            # A part that is none, or comes twice.
            "postgres://me:sesame@db:tahini/money",
            "postgres://me:sesame@db:0/money",
            "postgres://me:sesame@db:65536/money",
            "postgres://me:sesame@db:٣/money",
            "postgres://me:sesame@::1/money",
            "postgres://me:sesame@db/money/tahini",
            "postgres://me:sesame@db/money#tahini",
            "postgres://me:sesame@db/money ",
            "postgres://me:sesame@db/money\r",
            "postgres://me:sesame@db/money?tahini",
            "postgres://me:sesame@db/money?tahini=1",
            "postgres://me:sesame@db/money?dbname=tahini",
            "postgres://me:sesame@db/money?user=tahini",
            "postgres://me:sesame@db/money?host=tahini",
            "postgres://me:sesame@db/money?port=1",
            "postgres://me:sesame@db/money?sslmode=require&sslmode=disable",
        ],
    )
    def test_refuses_what_could_be_meant_otherwise_and_shows_nothing_of_it(self, url):
        with pytest.raises(ImproperlyConfigured) as refused:
            read(url)
        told = str(refused.value)

        assert told.startswith("DATABASE_URL ")
        assert (told.count("\n"), told.count(". "), told[-1]) == (0, 0, ".")
        assert not [part for part in PASSWORD if part in told]
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__


@pytest.mark.full
class TestStarting:
    @pytest.mark.parametrize("program", [["manage.py", "migrate"], ["-m", "sequence.local.launch.web"]])
    @pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_OWNER_URL", "REPLICA_URL"])
    def test_says_in_one_line_what_is_wrong(self, program, name):
        done = start(*program, **{name: "postgres://me:sesame/tahini@db/money"})

        assert done.returncode == 1
        assert done.stderr.startswith(f"{name} cannot be told apart")
        assert done.stderr.count("\n") == 1
        assert not [part for part in PASSWORD if part in done.stdout + done.stderr]

    def test_takes_no_other_database_when_only_the_owners_is_named(self, tmp_path):
        done = start(
            *("manage.py", "migrate"),
            DATABASE_URL=None,
            DATABASE_OWNER_URL="postgres://me:sesame@db/money",
            POSTGRES_DIR=str(tmp_path / "cluster"),
        )

        assert done.stderr == "DATABASE_OWNER_URL names a database, and DATABASE_URL names none.\n"
        assert not (tmp_path / "cluster").exists()

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            (None, "REPLICA_URL names a server, and DATABASE_URL names none that it could follow.\n"),
            ("postgres://me:sesame@db/other", "REPLICA_URL names another database than DATABASE_URL.\n"),
        ],
    )
    def test_takes_no_replica_of_another_database(self, tmp_path, url, told):
        done = start(
            *("manage.py", "migrate"),
            DATABASE_URL=url,
            REPLICA_URL="postgres://me:sesame@db/money",
            POSTGRES_DIR=str(tmp_path / "cluster"),
        )

        assert done.stderr == told
        assert not (tmp_path / "cluster").exists()
