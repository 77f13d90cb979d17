// The rows of bench/chan with Tokio's channels between tasks, which have one receiver. It has none without buffer: there and back
// goes through two of one place.
include!("../rows.rs");
use std::future::Future;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

const CAPACITY: usize = 1024;
const MESSAGES: u64 = 400_000;
const PAIRS: u64 = 200_000;
const TRIPS: u64 = 20_000;

fn inside(runtime: &Runtime, work: impl Future<Output = f64> + Send + 'static) -> f64 {
    runtime.block_on(runtime.spawn(work)).unwrap()
}

async fn through() -> f64 {
    let (to, mut from) = mpsc::channel(CAPACITY);
    let before = Instant::now();
    let sender = tokio::spawn(async move {
        for i in 0..MESSAGES {
            to.send(i).await.unwrap();
        }
    });
    let mut sum = 0;
    while let Some(m) = from.recv().await {
        sum += m;
    }
    sender.await.unwrap();
    assert_eq!(sum, MESSAGES * (MESSAGES - 1) / 2);
    ns_each(before, MESSAGES)
}

async fn through_unbounded() -> f64 {
    let (to, mut from) = mpsc::unbounded_channel();
    let before = Instant::now();
    let sender = tokio::spawn(async move {
        for i in 0..MESSAGES {
            to.send(i).unwrap();
        }
    });
    let mut sum = 0;
    while let Some(m) = from.recv().await {
        sum += m;
    }
    sender.await.unwrap();
    assert_eq!(sum, MESSAGES * (MESSAGES - 1) / 2);
    ns_each(before, MESSAGES)
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

async fn round_trip() -> f64 {
    let (to, mut there) = mpsc::channel::<u64>(1);
    let (back_to, mut back) = mpsc::channel::<u64>(1);
    let other = tokio::spawn(async move {
        while let Some(m) = there.recv().await {
            back_to.send(m).await.unwrap();
        }
    });
    let before = Instant::now();
    for i in 0..TRIPS {
        to.send(i).await.unwrap();
        back.recv().await.unwrap();
    }
    let ns = ns_each(before, TRIPS);
    drop(to);
    other.await.unwrap();
    ns
}

fn begin(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).build().unwrap()
}

fn main() {
    measure_rows(
        "tokio",
        &[
            ("mpmc_1p1c", |r| inside(r, through())),
            ("mpmc_pair", |r| inside(r, pair())),
            ("round_trip", |r| inside(r, round_trip())),
            ("unbounded_1p1c", |r| inside(r, through_unbounded())),
        ],
        begin,
    );
}
