pub(crate) fn run(_: &crate::args::TuneArgs) -> anyhow::Result<crate::Outcome> {
    Ok(crate::Outcome::Success)
}
