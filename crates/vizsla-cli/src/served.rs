//! What a server serves. In: arguments. Out: the indexes and the model, which opens while the server already answers.

use std::path::{Path, PathBuf};

use anyhow::Context;
use vizsla::SearchSettings;
use vizsla_server::{LazyReranker, ServedIndex, ServerOptions};

use crate::args::{EngineArgs, IndexDir, ModelArgs, NamedIndex, RankingArgs};
use crate::settings::{model, open_reranker, search_settings};
use crate::{hints, index_dir, output};

/// The indexes that were named, each with a name, or the one of this folder, if there is one.
pub(crate) fn dirs(named: &[NamedIndex], engine: &EngineArgs) -> Vec<(String, PathBuf)> {
    if named.is_empty() && !engine.is_empty() {
        return Vec::new();
    }
    if named.is_empty() {
        let found = index_dir::find(&IndexDir { index: None });
        return found.into_iter().map(|dir| (name_of(&dir), dir)).collect();
    }
    let one = |index: &NamedIndex| {
        let name = index.name.clone().unwrap_or_else(|| name_of(&index.dir));
        (name, index.dir.clone())
    };
    named.iter().map(one).collect()
}

/// An index is called as its folder; one within a folder, as that.
fn name_of(dir: &Path) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let mut names = dir.iter().rev().map(|name| name.to_string_lossy());
    let last = names.next().unwrap_or_default();
    let name = if last == index_dir::NAME { names.next().unwrap_or(last) } else { last };
    name.into_owned()
}

/// The indexes and how they are searched.
pub(crate) fn options(
    named: &[NamedIndex],
    engine: &EngineArgs,
    ranking: &RankingArgs,
) -> anyhow::Result<ServerOptions> {
    let settings = search_settings(ranking)?;
    let options = ServerOptions::default()
        .with_fusion(settings.fusion())
        .with_effort(settings.effort())
        .with_depth(settings.depth());
    let mut options = with_indexes(options, named, engine, &settings)?;
    if let Some(budget) = settings.budget() {
        options = options.with_budget(budget);
    }
    if settings.fusion().needs_rerank() {
        options = options.with_reranker(reranker(&ranking.model)?);
    }
    Ok(options)
}

/// Adds the indexes that were named, or the one of this folder, if there is one.
fn with_indexes(
    options: ServerOptions,
    named: &[NamedIndex],
    engine: &EngineArgs,
    settings: &SearchSettings,
) -> anyhow::Result<ServerOptions> {
    let options = with_engines(options, engine, settings)?;
    dirs(named, engine).into_iter().try_fold(options, |options, (name, dir)| {
        let index = index_dir::open(&IndexDir { index: Some(dir) })?;
        let retriever = settings.retriever(&index);
        Ok(options.with_index(ServedIndex::new(name, index).with_retriever(retriever)))
    })
}

/// Adds the engines that were named, each under the name of its index.
#[cfg(feature = "engines")]
fn with_engines(
    options: ServerOptions,
    engine: &EngineArgs,
    settings: &SearchSettings,
) -> anyhow::Result<ServerOptions> {
    engine.engine.iter().try_fold(options, |options, address| {
        let (collection, retriever) = crate::engines::served(address, settings)?;
        Ok(options.with_index(ServedIndex::elsewhere(address.index(), collection, retriever)))
    })
}

#[cfg(not(feature = "engines"))]
#[expect(clippy::unnecessary_wraps, reason = "as with engines")]
fn with_engines(
    options: ServerOptions,
    _: &EngineArgs,
    _: &SearchSettings,
) -> anyhow::Result<ServerOptions> {
    Ok(options)
}

/// The arguments that name the engines once more.
pub(crate) fn engine_arguments(engine: &EngineArgs) -> Vec<String> {
    engine.addresses().into_iter().flat_map(|address| ["--engine".to_owned(), address]).collect()
}

/// The model, which opens on a thread of its own.
fn reranker(args: &ModelArgs) -> anyhow::Result<LazyReranker> {
    let name = model(args)?.to_string();
    let args = args.clone();
    Ok(LazyReranker::open(name, move || {
        open_reranker(&args).map_err(|error| {
            let hints = hints::of(&error);
            output::complain(&format!("cannot rerank: {error:#}"));
            hints.iter().for_each(|hint| output::hint(hint));
            [vec![format!("{error:#}")], hints].concat().join("; ").into()
        })
    }))
}

/// The token in a file, without the white space around it.
pub(crate) fn token(file: &Path) -> anyhow::Result<String> {
    let token = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the token in {}", file.display()))?;
    let token = token.trim();
    anyhow::ensure!(!token.is_empty(), "{} is empty: write a token into it", file.display());
    Ok(token.to_owned())
}
