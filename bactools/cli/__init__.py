"""The command line: one command per verb. Heavy rooms are imported by the command that needs them."""

from __future__ import annotations

import click

from bactools.cli.certify import certify
from bactools.cli.covariates import covariates
from bactools.cli.dashboard import dashboard
from bactools.cli.demo import demo
from bactools.cli.lab import lab
from bactools.cli.measure import index, run
from bactools.cli.phantom import phantom
from bactools.cli.query import query
from bactools.cli.replay import replay
from bactools.cli.report import report
from bactools.cli.study import cube, evaluate, overlay
from bactools.cli.training import finetune, train
from bactools.cli.weights import weights


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bactools")
def main() -> None:
    """Breast arterial calcification, from a DICOM archive to burden and progression.

    For research only; not a medical device.
    """


for command in (
    index,
    run,
    cube,
    covariates,
    query,
    overlay,
    evaluate,
    dashboard,
    lab,
    report,
    train,
    finetune,
    weights,
    phantom,
    replay,
    certify,
    demo,
):
    main.add_command(command)
