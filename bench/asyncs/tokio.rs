// The rows of bench/async with Tokio's tasks; prints what rows.h prints. It has no channel without buffer: a message and its answer
// go through two of one place.
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

const YIELDS: u64 = 50_000;
const CREATIONS: u64 = 10_000;
const TRIPS: u64 = 20_000;

fn ns_each(since: Instant, count: u64) -> f64 {
    since.elapsed().as_nanos() as f64 / count as f64
}

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

fn main() {
    let rows: [(&str, fn(&Runtime) -> f64); 4] = [
        ("yield", |r| inside(r, yields())),
        ("create_join", |r| inside(r, create_join())),
        ("ping_pong", |r| inside(r, ping_pong())),
        ("late", |r| inside(r, late())),
    ];
    let args: Vec<String> = std::env::args().collect();
    if args.len() > 1 && args[1] == "--list" {
        for (name, _) in rows {
            println!("{}", name);
        }
        return;
    }
    let Some((name, round)) = rows.iter().find(|r| args.len() > 1 && r.0 == args[1]) else {
        eprintln!("usage: tokio ROW [MILLISECONDS [WORKERS]]");
        std::process::exit(2);
    };
    let ms: f64 = args.get(2).map_or(100.0, |ms| ms.parse().unwrap());
    let workers = args.get(3).map_or(2, |workers| workers.parse().unwrap());
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_time().build().unwrap();
    round(&runtime);
    let mut samples = Vec::new();
    let start = Instant::now();
    while start.elapsed().as_millis() < ms as u128 || samples.len() < 3 {
        samples.push(format!("{:.6}", round(&runtime)));
    }
    println!(
        "{{\"library\":\"tokio\",\"series\":[{{\"name\":\"{}\",\"unit\":\"ns\",\"more_is_better\":false,\"samples\":[{}]}}]}}",
        name,
        samples.join(",")
    );
}
