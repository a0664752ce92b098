//! Engines elsewhere. In: the arguments that name them. Out: retrievers, and collections to index to.

use vizsla::{Collection, Index, IndexSettings, MergedRetriever, Retriever, SearchSettings};

use crate::args::EngineArgs;

/// The first stage over engines and, where one is given, an index as well: their rankings are merged.
pub(crate) fn retriever(
    args: &EngineArgs,
    settings: &SearchSettings,
    index: Option<&Index>,
) -> anyhow::Result<Box<dyn Retriever>> {
    let own = index.map(|index| Box::new(settings.retriever(index)) as Box<dyn Retriever>);
    let mut all = own.into_iter().chain(of_engines(args, settings)?);
    let first = all.next().ok_or_else(|| anyhow::anyhow!("there is nothing to search"))?;
    let Some(second) = all.next() else { return Ok(first) };
    let merged = MergedRetriever::new(first).with(second);
    Ok(Box::new(all.fold(merged, MergedRetriever::with)))
}

#[cfg(feature = "engines")]
fn of_engines(
    args: &EngineArgs,
    settings: &SearchSettings,
) -> anyhow::Result<Vec<Box<dyn Retriever>>> {
    if args.is_empty() {
        return Ok(Vec::new());
    }
    let fixed = [
        ("k1", settings.k1.is_some()),
        ("b", settings.b.is_some()),
        ("k3", settings.k3.is_some()),
        ("rm3", settings.rm3 == Some(true)),
        ("fuzzy", settings.fuzzy == Some(true)),
    ];
    if let Some((name, _)) = fixed.into_iter().find(|(_, is_set)| *is_set) {
        anyhow::bail!("an engine ranks as its index was made: {name} cannot be set for a search");
    }
    args.engine.iter().map(|address| weighted(&open(address)?, settings)).collect()
}

#[cfg(feature = "engines")]
fn weighted(
    remote: &vizsla_remote::Remote,
    settings: &SearchSettings,
) -> anyhow::Result<Box<dyn Retriever>> {
    Ok(match settings.field_weights {
        Some(weights) => remote.retriever_with(weights)?,
        None => remote.retriever()?,
    })
}

/// What a server needs of an engine.
#[cfg(all(feature = "engines", feature = "serve"))]
pub(crate) fn served(
    address: &vizsla_remote::Address,
    settings: &SearchSettings,
) -> anyhow::Result<(vizsla_remote::RemoteCollection, Box<dyn Retriever>)> {
    let remote = open(address)?;
    let retriever = weighted(&remote, settings)?;
    Ok((remote.collection(&IndexSettings::default())?, retriever))
}

#[cfg(not(feature = "engines"))]
fn of_engines(_: &EngineArgs, _: &SearchSettings) -> anyhow::Result<Vec<Box<dyn Retriever>>> {
    Ok(Vec::new())
}

#[cfg(feature = "engines")]
fn open(address: &vizsla_remote::Address) -> anyhow::Result<vizsla_remote::Remote> {
    let secret = crate::settings::engine_auth()?;
    Ok(vizsla_remote::Remote::open_with(address, secret.as_ref())?)
}

/// The collection in the one engine that is named, and where it is; it is made with settings, where they are given.
#[cfg(feature = "engines")]
pub(crate) fn collection(
    args: &EngineArgs,
    new: Option<&IndexSettings>,
) -> anyhow::Result<(Box<dyn Collection>, String)> {
    let [address] = args.engine.as_slice() else {
        anyhow::bail!("name one engine: documents are kept in one place");
    };
    let remote = open(address)?;
    if new.is_none() {
        // Says what to do when there is none.
        remote.retriever()?;
    }
    let collection = remote.collection(new.unwrap_or(&IndexSettings::default()))?;
    Ok((Box::new(collection), address.to_string()))
}

/// A build without engines has no such argument.
#[cfg(not(feature = "engines"))]
pub(crate) fn collection(
    _: &EngineArgs,
    _: Option<&IndexSettings>,
) -> anyhow::Result<(Box<dyn Collection>, String)> {
    anyhow::bail!("this build of the program knows no engines")
}
