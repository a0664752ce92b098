//! A client that adds next to nothing to what it times: one connection, one request at a time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, bail};
use serde_json::json;

/// A connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

/// How a request was answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply {
    pub(super) status: u16,
}

impl Reply {
    pub(super) fn expect_answer(self) -> anyhow::Result<()> {
        if self.status != 200 {
            bail!("the server answered with status {}", self.status);
        }
        Ok(())
    }
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).context("cannot reach the server")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), address })
    }

    pub(super) fn rerank(&mut self, texts: &[String]) -> anyhow::Result<Reply> {
        let body = json!({"query": "how is a passage that is longer than the model can read scored", "texts": texts});
        let body = body.to_string();
        let request = format!(
            "POST /rerank HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.reply()
    }

    fn reply(&mut self) -> anyhow::Result<Reply> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.context("the server answered with nothing")?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
        }
        self.stream.read_exact(&mut vec![0; length])?;
        Ok(Reply { status })
    }
}
