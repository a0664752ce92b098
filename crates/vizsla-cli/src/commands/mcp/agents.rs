//! How agents are told about a server. In: an agent, and the command that starts the server. Out: what to add to which file.

use serde_json::{Value, json};

use crate::args::Agent;

/// A piece of an agent's settings.
pub(super) struct Config {
    pub(super) text: String,
    pub(super) file: &'static str,
}

pub(super) fn config(agent: Agent, program: &str, arguments: &[String]) -> Config {
    let server = json!({ "command": program, "args": arguments });
    let (value, file) = match agent {
        Agent::Codex => {
            let file = "~/.codex/config.toml, or .codex/config.toml of a project";
            return Config { text: toml(program, arguments), file };
        }
        Agent::ClaudeCode => (
            under("mcpServers", server),
            ".mcp.json in the folder of the project, or use `claude mcp add-json vizsla` with the inner object",
        ),
        Agent::ClaudeDesktop => (
            under("mcpServers", server),
            "claude_desktop_config.json, which Settings > Developer > Edit Config opens",
        ),
        Agent::Cursor => {
            (under("mcpServers", server), "~/.cursor/mcp.json, or .cursor/mcp.json of a project")
        }
        Agent::Gemini => (
            under("mcpServers", server),
            "~/.gemini/settings.json, or .gemini/settings.json of a project",
        ),
        Agent::Windsurf => (under("mcpServers", server), "~/.codeium/windsurf/mcp_config.json"),
        Agent::Vscode => {
            let server = json!({ "type": "stdio", "command": program, "args": arguments });
            (under("servers", server), ".vscode/mcp.json of a folder, or the user's mcp.json")
        }
        Agent::Zed => {
            let server = json!({ "command": program, "args": arguments, "env": {} });
            (
                under("context_servers", server),
                "settings.json, which `zed: open settings file` opens",
            )
        }
    };
    Config { text: format!("{value:#}\n"), file }
}

#[expect(clippy::needless_pass_by_value, reason = "it becomes a part of the result")]
fn under(name: &str, server: Value) -> Value {
    json!({ name: { "vizsla": server } })
}

/// Strings of JSON are strings of TOML, too, except for the character DEL, which no path should have.
fn toml(program: &str, arguments: &[String]) -> String {
    format!("[mcp_servers.vizsla]\ncommand = {}\nargs = {}\n", json!(program), json!(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_agent_gets_its_own_shape() {
        let arguments = ["mcp".to_owned(), "--index".to_owned(), "/a \"b\"".to_owned()];
        let shown = |agent| config(agent, "/bin/vizsla", &arguments).text;
        for (agent, name) in [
            (Agent::ClaudeCode, "mcpServers"),
            (Agent::Vscode, "servers"),
            (Agent::Zed, "context_servers"),
        ] {
            let value: Value = serde_json::from_str(&shown(agent)).unwrap();
            assert_eq!(value[name]["vizsla"]["args"], json!(arguments));
        }
        assert_eq!(
            shown(Agent::Codex),
            "[mcp_servers.vizsla]\ncommand = \"/bin/vizsla\"\nargs = [\"mcp\",\"--index\",\"/a \\\"b\\\"\"]\n"
        );
    }
}
