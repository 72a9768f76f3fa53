"""The findings to explore in a browser: dashboard."""

from __future__ import annotations

from pathlib import Path

import click

from bactools.cli.common import FILE, FOLDER, plain, stop


@click.command()
@click.argument("studies", nargs=-1, type=FOLDER, metavar="STUDY [STUDY2 ...]")
@click.option(
    "--port", default=5006, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on."
)
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--auth", type=FILE, metavar="FILE", help="Users and their hashed passwords (see --add-user).")
@click.option(
    "--oauth", default="", metavar="PROVIDER", help="Log in through one of Panel's OAuth providers."
)
@click.option(
    "--cookie-secret", default="", envvar="BACTOOLS_COOKIE_SECRET", metavar="TEXT",
    help="Signs cookies; better given as BACTOOLS_COOKIE_SECRET  [default: a new one at every start]",
)  # fmt: skip
@click.option(
    "--allow-origin", "origins", multiple=True, metavar="HOST[:PORT]", help="Host people reach it by."
)
@click.option("--prefix", default="", metavar="PATH", help="Path below which a proxy serves it.")
@click.option("--allow-public", is_flag=True, help="Listen beyond this machine with no log-in.")
@click.option("--secure-cookies", is_flag=True, help="Cookies over TLS only: behind a proxy that does TLS.")
@click.option(
    "--processes", default=1, show_default=True, type=click.IntRange(1, 32),
    help="Processes that share the visitors: no more than processors.",
)  # fmt: skip
@click.option("--add-user", metavar="NAME", help="Ask for a password, print NAME's line for FILE, and end.")
def dashboard(
    studies: tuple[Path, ...],
    port: int,
    address: str,
    auth: Path | None,
    oauth: str,
    cookie_secret: str,
    origins: tuple[str, ...],
    prefix: str,
    allow_public: bool,
    secure_cookies: bool,
    processes: int,
    add_user: str | None,
) -> None:
    """Show studies in a browser; the first is shown first. They are only read."""
    try:
        if add_user is not None:
            from dashboards.auth import user_line

            password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
            click.echo(user_line(add_user, password))
            return
        if not studies:
            raise click.UsageError("name a study folder")
        from dashboards.serve import serve

        serve(
            studies, port=port, address=address, auth=auth, oauth=oauth, cookie_secret=cookie_secret,
            origins=origins, prefix=prefix, public=allow_public, secure=secure_cookies,
            processes=processes,
        )  # fmt: skip
    except (ValueError, OSError) as error:
        stop(plain(error))
