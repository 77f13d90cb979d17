// The rows of bench/chan with Tokio's channels between tasks. They have one receiver each, and a buffer.
include!("../rows.rs");
use std::future::Future;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

const CAPACITY: usize = 1024;
const MESSAGES: u64 = 400_000;
const PAIRS: u64 = 200_000;

fn inside(runtime: &Runtime, work: impl Future<Output = f64> + Send + 'static) -> f64 {
    runtime.block_on(runtime.spawn(work)).unwrap()
}

macro_rules! through {
    ($channel:expr, |$to:ident, $m:ident| $send:expr) => {{
        let ($to, mut from) = $channel;
        let before = Instant::now();
        let sender = tokio::spawn(async move {
            for $m in 0..MESSAGES {
                $send.unwrap();
            }
        });
        let mut sum = 0;
        while let Some(m) = from.recv().await {
            sum += m;
        }
        sender.await.unwrap();
        assert_eq!(sum, MESSAGES * (MESSAGES - 1) / 2);
        ns_each(before, MESSAGES)
    }};
}

async fn bounded() -> f64 {
    through!(mpsc::channel(CAPACITY), |to, m| to.send(m).await)
}

async fn unbounded() -> f64 {
    through!(mpsc::unbounded_channel(), |to, m| to.send(m))
}

async fn pair() -> f64 {
    let (to, mut from) = mpsc::channel(CAPACITY);
    let before = Instant::now();
    let mut sum = 0;
    for i in 0..PAIRS {
        to.send(i).await.unwrap();
        sum += from.recv().await.unwrap();
    }
    let ns = ns_each(before, PAIRS);
    assert_eq!(sum, PAIRS * (PAIRS - 1) / 2);
    ns
}

fn begin(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).build().unwrap()
}

fn main() {
    measure_rows(
        "tokio",
        &[
            ("mpmc_1p1c", |r| inside(r, bounded())),
            ("mpmc_pair", |r| inside(r, pair())),
            ("unbounded_1p1c", |r| inside(r, unbounded())),
        ],
        begin,
    );
}
