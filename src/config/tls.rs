//! `tls`: whose certificates count, and who we are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Lookup, issues::Issues};
use crate::policy::{Tls, TlsIdentity, TlsVersion};

/// Whose certificates count, and who we are. Files are PEM, are found from where the configuration is, and are read again
/// when they have changed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsSettings {
    /// The file with the certificates that count instead of the system's.
    pub(super) ca: Option<String>,
    /// The file with the certificate that is shown where a server asks for one, and those that lead to its root.
    pub(super) certificate: Option<String>,
    /// The file with the private key of `certificate`.
    pub(super) key: Option<String>,
    /// No older TLS is spoken.
    #[schemars(extend("x-reason" = "what is older is broken, and not spoken at all"))]
    pub(super) min_version: TlsVersionSetting,
}

/// A version of TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(super) enum TlsVersionSetting {
    /// TLS 1.2.
    #[default]
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    Tls13,
}

impl TlsSettings {
    pub(super) fn policy(&self, lookup: &dyn Lookup, issues: &mut Issues<'_>) -> Tls {
        let version_min = match self.min_version {
            TlsVersionSetting::Tls12 => TlsVersion::Tls12,
            TlsVersionSetting::Tls13 => TlsVersion::Tls13,
        };
        let ca = self.ca.as_deref().map(|path| lookup.path(path));
        let mut tls = Tls { ca, version_min, ..Tls::default() };
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let (certificate, key) = (lookup.path(certificate), lookup.path(key));
                tls.identity = Some(TlsIdentity { certificate, key });
            }
            (Some(_), None) => issues.push("certificate", "needs its private key: `key`"),
            (None, Some(_)) => {
                issues.push("key", "needs the certificate that it belongs to: `certificate`");
            }
            (None, None) => {}
        }
        tls
    }
}
