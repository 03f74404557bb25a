//! A network between a client and a server that can be cut or stalled at any octet.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::watch,
};

/// What happens to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Both ends are told that the other has nothing more to say (FIN).
    End,
    /// Both ends are told that the other is gone (RST).
    Reset,
    /// Nothing passes any more, and nobody is told, for so long; then it is reset.
    Stall(Duration),
}

/// Which way octets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// A fault that waits for its octet.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// What happens then.
    pub cut: Cut,
    /// Which octets are counted.
    pub way: Way,
    /// How many of them still pass, over all connections.
    pub after: usize,
}

/// Passes connections on to a server.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<State>,
    /// Ends with the value, and all connections with it.
    runtime: Option<Runtime>,
}

#[derive(Debug)]
struct State {
    target: Mutex<u16>,
    fault: Mutex<Option<Fault>>,
    /// Raised to cut all connections.
    generation: watch::Sender<u64>,
}

impl Proxy {
    /// Listens on a free loopback port, for a server on another.
    #[must_use]
    pub fn start(target: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            target: Mutex::new(target),
            fault: Mutex::new(None),
            generation: watch::channel(0).0,
        });
        let shared = Arc::clone(&state);
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(Arc::clone(&shared).serve(client));
            }
        });
        Self { port, state, runtime: Some(runtime) }
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on new connections go to this port; those that are there stay.
    pub fn redirect(&self, target: u16) {
        *self.state.target.lock().unwrap() = target;
    }

    /// The next fault.
    pub fn arm(&self, fault: Fault) {
        *self.state.fault.lock().unwrap() = Some(fault);
    }

    /// Whether the last fault still waits for its octet.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.state.fault.lock().unwrap().is_some()
    }

    /// Resets every connection.
    pub fn cut_all(&self) {
        self.state.generation.send_modify(|generation| *generation += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Whoever drops it may be a task of another runtime, which must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl State {
    /// How many of these octets pass, and what happens after them.
    fn judge(&self, way: Way, count: usize) -> (usize, Option<Cut>) {
        let mut armed = self.fault.lock().unwrap();
        match &mut *armed {
            Some(fault) if fault.way == way && fault.after < count => {
                let (passing, cut) = (fault.after, fault.cut);
                *armed = None;
                (passing, Some(cut))
            }
            Some(fault) if fault.way == way => {
                fault.after -= count;
                (count, None)
            }
            _ => (count, None),
        }
    }

    async fn serve(self: Arc<Self>, mut client: TcpStream) {
        let mut cut = self.generation.subscribe();
        cut.mark_unchanged();
        let target = *self.target.lock().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, target));
        // A server that is not there is a connection that ends.
        let Ok(mut server) = TcpStream::connect(address).await else { return };
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let happened = tokio::select! {
            happened = self.pass(&mut client, &mut server) => happened,
            _ = cut.changed() => Cut::Reset,
        };
        if let Cut::Stall(time) = happened {
            tokio::time::sleep(time).await;
        }
        if happened != Cut::End {
            let reset = |stream: &TcpStream| stream.set_zero_linger();
            // A socket whose other end is gone may refuse.
            drop((reset(&client), reset(&server)));
        }
    }

    async fn pass(&self, client: &mut TcpStream, server: &mut TcpStream) -> Cut {
        let (mut from_client, mut from_server) = ([0; 8_192], [0; 8_192]);
        loop {
            let (way, read) = tokio::select! {
                read = client.read(&mut from_client) => (Way::ToServer, read),
                read = server.read(&mut from_server) => (Way::ToClient, read),
            };
            let count = match read {
                Ok(0) => return Cut::End,
                Ok(count) => count,
                Err(_) => return Cut::Reset,
            };
            let (passing, cut) = self.judge(way, count);
            let written = match way {
                Way::ToServer => server.write_all(&from_client[..passing]).await,
                Way::ToClient => client.write_all(&from_server[..passing]).await,
            };
            if let Some(cut) = cut {
                return cut;
            }
            if written.is_err() {
                return Cut::Reset;
            }
        }
    }
}
