//! Credentials. In: a line such as `basic NAME:PASSWORD`. Out: the value of a header, which nothing prints.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vizsla::{Error, ErrorKind};

/// Credentials for an engine. Neither its `Debug` form nor any error shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    header: String,
}

impl Secret {
    /// A name and a password.
    pub fn basic(name: &str, password: &str) -> Self {
        Self { header: format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))) }
    }

    /// A token, sent as it is.
    pub fn bearer(token: &str) -> Self {
        Self { header: format!("Bearer {token}") }
    }

    /// An API key in its encoded form, or as `ID:KEY`.
    pub fn api_key(key: &str) -> Self {
        let encoded = if key.contains(':') { STANDARD.encode(key) } else { key.to_owned() };
        Self { header: format!("ApiKey {encoded}") }
    }

    /// The value of the header `Authorization`.
    pub(crate) fn header(&self) -> &str {
        &self.header
    }

    /// The name and password, for engines that want them by themselves.
    pub(crate) fn name_and_password(&self) -> Option<(String, String)> {
        let decoded = STANDARD.decode(self.header.strip_prefix("Basic ")?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (name, password) = text.split_once(':')?;
        Some((name.to_owned(), password.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Reads `basic NAME:PASSWORD`, `bearer TOKEN` or `apikey KEY`.
impl FromStr for Secret {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let (scheme, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let value = value.trim();
        let printable = !value.is_empty() && value.chars().all(|c| !c.is_control());
        let secret = match scheme.to_ascii_lowercase().as_str() {
            "basic" => value.split_once(':').map(|(name, password)| Self::basic(name, password)),
            "bearer" if value.is_ascii() => Some(Self::bearer(value)),
            "apikey" if value.is_ascii() => Some(Self::api_key(value)),
            _ => None,
        };
        // What was given is not repeated: it may be a secret in another form.
        secret.filter(|_| printable).ok_or_else(|| {
            let message = "the credentials cannot be read: they are one line, `basic NAME:PASSWORD`, `bearer TOKEN` or \
                           `apikey KEY`";
            Error::new(ErrorKind::InvalidInput, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_and_never_shown() {
        let basic: Secret = "basic admin:a:b\n".parse().unwrap();
        assert_eq!(basic.header(), "Basic YWRtaW46YTpi");
        assert_eq!(basic.name_and_password().unwrap(), ("admin".into(), "a:b".into()));
        let key: Secret = "ApiKey id:key".parse().unwrap();
        assert_eq!(key.header(), "ApiKey aWQ6a2V5");
        assert_eq!("apikey aWQ6a2V5".parse::<Secret>().unwrap(), key);
        assert_eq!("Bearer t0ken".parse::<Secret>().unwrap().header(), "Bearer t0ken");
        assert_eq!(format!("{key:?}"), "Secret(..)");
        for wrong in
            ["hunter2", "basic hunter2", "bearer", "bearer hunter2\u{1}", "digest hunter2:x"]
        {
            let error = wrong.parse::<Secret>().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
