//! Lists that come page by page.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{AuditEvent, AuditPage, Certificate, CertificatePage, Token, TokenPage};

/// What asks for one page of a list after the other.
pub trait Pages: Clone + Serialize {
    /// A page of the answer.
    type Page: Paged;

    /// Where the page starts: behind the one that gave this as `next`.
    fn cursor(&mut self) -> &mut Option<String>;
}

/// A page of a list.
pub trait Paged: DeserializeOwned {
    /// What is listed.
    type Item;

    /// What is on the page, and the cursor of the next.
    fn into_parts(self) -> (Vec<Self::Item>, Option<String>);
}

/// Declares the parameters of a list: filters, and the two of every page; then the page's type.
macro_rules! paged {
    (
        $(#[$about:meta])*
        pub struct $name:ident { $($filters:tt)* }
        $page:ident
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
        #[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
        pub struct $name {
            $($filters)*
            /// How many at most; 50 where it is left out.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
            pub limit: Option<u32>,
            /// Go on behind the page that gave this as `next`.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "openapi", param(pattern = "^[0-7][0-9a-f]{15}$"))]
            pub cursor: Option<String>,
        }

        impl crate::v1::Pages for $name {
            type Page = $page;

            fn cursor(&mut self) -> &mut Option<String> {
                &mut self.cursor
            }
        }
    };
}
pub(super) use paged;

paged! {
    /// One page of a list.
    pub struct PageParameters {}
    TokenPage
}

impl Paged for CertificatePage {
    type Item = Certificate;

    fn into_parts(self) -> (Vec<Certificate>, Option<String>) {
        (self.certificates, self.next)
    }
}

impl Paged for TokenPage {
    type Item = Token;

    fn into_parts(self) -> (Vec<Token>, Option<String>) {
        (self.tokens, self.next)
    }
}

impl Paged for AuditPage {
    type Item = AuditEvent;

    fn into_parts(self) -> (Vec<AuditEvent>, Option<String>) {
        (self.events, self.next)
    }
}
