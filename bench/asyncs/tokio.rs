// The rows of bench/async with Tokio's tasks; prints what rows.h prints. It has no channel without buffer: a message and its answer
// go through two of one place.
include!("../rows.rs");
use std::future::Future;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

const YIELDS: u64 = 50_000;
const CREATIONS: u64 = 10_000;
const TRIPS: u64 = 20_000;

fn inside(runtime: &Runtime, work: impl Future<Output = f64> + Send + 'static) -> f64 {
    runtime.block_on(runtime.spawn(work)).unwrap()
}

async fn yield_often() {
    for _ in 0..YIELDS {
        tokio::task::yield_now().await;
    }
}

async fn yields() -> f64 {
    let before = Instant::now();
    let (one, other) = (tokio::spawn(yield_often()), tokio::spawn(yield_often()));
    one.await.unwrap();
    other.await.unwrap();
    ns_each(before, 2 * YIELDS)
}

async fn create_join() -> f64 {
    let before = Instant::now();
    let mut count = 0;
    for _ in 0..CREATIONS {
        count += tokio::spawn(async { 1 }).await.unwrap();
    }
    assert_eq!(count, CREATIONS);
    ns_each(before, CREATIONS)
}

async fn ping_pong() -> f64 {
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

async fn late() -> f64 {
    const MS: Duration = Duration::from_millis(1);
    let before = Instant::now();
    tokio::time::sleep(MS).await;
    (before.elapsed() - MS).as_nanos() as f64
}

fn begin(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_time().build().unwrap()
}

fn main() {
    measure_rows(
        "tokio",
        &[
            ("yield", |r| inside(r, yields())),
            ("create_join", |r| inside(r, create_join())),
            ("ping_pong", |r| inside(r, ping_pong())),
            ("late", |r| inside(r, late())),
        ],
        begin,
    );
}
