//! Lists of any length, fetched page by page while they are read.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{self, Stream};

use crate::error::ClientError;
use crate::http::Client;
use crate::routes::Route;
use crate::v1::{Paged, Pages};

/// What a list holds, in its order: a stream that asks for the next page when it is reached. After
/// an error it ends.
pub struct Listing<T>(Pin<Box<dyn Stream<Item = Result<T, ClientError>> + Send>>);

/// Where a listing is.
struct At<P, T> {
    client: Client,
    /// What asks for the next page; none behind the last.
    next: Option<P>,
    /// What is left of the page that was fetched.
    page: std::vec::IntoIter<T>,
}

impl<T: Send + 'static> Listing<T> {
    pub(crate) fn new<P>(client: Client, route: &'static Route, parameters: P) -> Self
    where
        P: Pages + Send + Sync + 'static,
        P::Page: Paged<Item = T>,
    {
        let start = At { client, next: Some(parameters), page: Vec::new().into_iter() };
        Self(Box::pin(stream::try_unfold(start, async |mut at| {
            loop {
                if let Some(item) = at.page.next() {
                    return Ok(Some((item, at)));
                }
                let Some(parameters) = at.next.take() else { return Ok(None) };
                at = at.turn(route, parameters).await?;
            }
        })))
    }

    /// What comes next; nothing at the end.
    pub async fn next(&mut self) -> Option<Result<T, ClientError>> {
        poll_fn(|context| self.0.as_mut().poll_next(context)).await
    }
}

impl<P: Pages, T> At<P, T>
where
    P::Page: Paged<Item = T>,
{
    /// Fetches a page.
    async fn turn(self, route: &Route, mut parameters: P) -> Result<Self, ClientError> {
        let (page, cursor) = self.client.page::<P::Page>(route, &parameters).await?.into_parts();
        if cursor.is_some() && cursor == *parameters.cursor() {
            let reason =
                "found the cursor of the page before, allowed is another: the list would never end";
            return Err(self.client.unexpected(200, reason));
        }
        let next = cursor.map(|cursor| {
            *parameters.cursor() = Some(cursor);
            parameters
        });
        Ok(Self { next, page: page.into_iter(), ..self })
    }
}

impl<T> Stream for Listing<T> {
    type Item = Result<T, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}
