// The rows of bench/chan with crossbeam's channels; prints what rows.h prints.
use crossbeam_channel::{bounded, select, unbounded, Receiver, Sender};
use std::time::Instant;

const CAPACITY: usize = 1024;
const MESSAGES: u64 = 400_000;
const PAIRS: u64 = 200_000;

fn ns_each(since: Instant, count: u64) -> f64 {
    since.elapsed().as_nanos() as f64 / count as f64
}

fn through(ends: (Sender<u64>, Receiver<u64>), threads: u64) -> f64 {
    let before = Instant::now();
    let mut all = Vec::new();
    for _ in 0..threads {
        let (to, from) = ends.clone();
        all.push(std::thread::spawn(move || {
            for i in 0..MESSAGES / threads {
                to.send(i).unwrap();
            }
        }));
        all.push(std::thread::spawn(move || {
            for _ in 0..MESSAGES / threads {
                from.recv().unwrap();
            }
        }));
    }
    for t in all {
        t.join().unwrap();
    }
    ns_each(before, MESSAGES)
}

fn pair() -> f64 {
    let (to, from) = bounded(CAPACITY);
    let before = Instant::now();
    for i in 0..PAIRS {
        to.send(i).unwrap();
        from.recv().unwrap();
    }
    ns_each(before, PAIRS)
}

fn select_two() -> f64 {
    let (a_to, a) = bounded(CAPACITY);
    let (b_to, b) = bounded(CAPACITY);
    let before = Instant::now();
    for i in 0..PAIRS {
        if i & 1 == 0 {
            a_to.send(i).unwrap();
        } else {
            b_to.send(i).unwrap();
        }
        select! {
            recv(a) -> m => { m.unwrap(); }
            recv(b) -> m => { m.unwrap(); }
        }
    }
    ns_each(before, PAIRS)
}

fn round_trip() -> f64 {
    const TRIPS: u64 = 20_000;
    let (to, there) = bounded::<u64>(0);
    let (back_to, back) = bounded::<u64>(0);
    let other = std::thread::spawn(move || {
        for m in there {
            back_to.send(m).unwrap();
        }
    });
    let before = Instant::now();
    for i in 0..TRIPS {
        to.send(i).unwrap();
        back.recv().unwrap();
    }
    let ns = ns_each(before, TRIPS);
    drop(to);
    other.join().unwrap();
    ns
}

fn main() {
    let rows: [(&str, fn() -> f64); 6] = [
        ("mpmc_1p1c", || through(bounded(CAPACITY), 1)),
        ("mpmc_4p4c", || through(bounded(CAPACITY), 4)),
        ("mpmc_pair", pair),
        ("select", select_two),
        ("round_trip", round_trip),
        ("unbounded_1p1c", || through(unbounded(), 1)),
    ];
    let args: Vec<String> = std::env::args().collect();
    if args.len() > 1 && args[1] == "--list" {
        for (name, _) in rows {
            println!("{}", name);
        }
        return;
    }
    let row = rows.iter().find(|r| args.len() > 1 && r.0 == args[1]);
    let (name, round) = match row {
        Some(r) => r,
        None => {
            eprintln!("usage: crossbeam ROW [MILLISECONDS]");
            std::process::exit(2);
        }
    };
    let ms: f64 = if args.len() > 2 { args[2].parse().unwrap() } else { 100.0 };
    round();
    let mut samples = Vec::new();
    let start = Instant::now();
    while start.elapsed().as_millis() < ms as u128 || samples.len() < 3 {
        let ns = round();
        if samples.len() < 512 {
            samples.push(format!("{:.6}", ns));
        }
    }
    println!(
        "{{\"library\":\"crossbeam\",\"series\":[{{\"name\":\"{}\",\"unit\":\"ns\",\"more_is_better\":false,\"samples\":[{}]}}]}}",
        name,
        samples.join(",")
    );
}
