//! `vizsla mcp`: lets agents search, over standard input and output.

mod agents;
mod bridge;

use anyhow::Context;
use vizsla_server::{ServerOptions, serve_mcp_stdio};

use crate::args::{IndexDir, McpArgs, RankingArgs};
use crate::{Outcome, index_dir, output, served, settings};

pub(crate) fn run(args: &McpArgs) -> anyhow::Result<Outcome> {
    if let Some(agent) = args.print_config {
        // So that an agent finds it whatever its search path is.
        let (program, start) = settings::start_command()?;
        let start = start.iter().map(|argument| argument.to_string_lossy().into_owned());
        let arguments: Vec<String> = start.chain(arguments(args)?).collect();
        let config = agents::config(agent, &program.display().to_string(), &arguments);
        output::raw(&config.text)?;
        output::note(&format!("add it to {}", config.file));
    } else if let Some(url) = &args.connect {
        bridge::run(url, settings::token().as_deref())?;
    } else {
        serve_mcp_stdio(options(args)?)?;
    }
    Ok(Outcome::Success)
}

fn options(args: &McpArgs) -> anyhow::Result<ServerOptions> {
    if args.index.is_empty() && args.engine.is_empty() {
        // Says what to do when there is none.
        index_dir::find(&IndexDir { index: None })?;
    }
    served::options(&args.index, &args.engine, &args.ranking)
}

/// The arguments that mean the same from every folder.
fn arguments(args: &McpArgs) -> anyhow::Result<Vec<String>> {
    let mut arguments = vec!["mcp".to_owned()];
    if let Some(url) = &args.connect {
        arguments.extend(["--connect".to_owned(), url.clone()]);
        return Ok(arguments);
    }
    let several = args.index.len() > 1;
    arguments.extend(served::engine_arguments(&args.engine));
    for (name, dir) in served::dirs(&args.index, &args.engine) {
        let dir = dir
            .canonicalize()
            .with_context(|| format!("there is no index at {}", dir.display()))?;
        let dir = dir.display();
        let value = if several { format!("{name}={dir}") } else { dir.to_string() };
        arguments.extend(["--index".to_owned(), value]);
    }
    let RankingArgs { depth, fusion, budget, settings, model, .. } = &args.ranking;
    let settings = settings.as_ref().map(|file| file.canonicalize()).transpose()?;
    for (name, value) in [
        ("--depth", depth.map(|depth| depth.to_string())),
        ("--fusion", fusion.map(|fusion| fusion.to_string())),
        ("--budget", budget.map(|budget| format!("{}ms", budget.as_millis()))),
        ("--settings", settings.map(|file| file.display().to_string())),
        ("--model", model.model.clone()),
    ] {
        arguments.extend(value.map(|value| [name.to_owned(), value]).into_iter().flatten());
    }
    Ok(arguments)
}
