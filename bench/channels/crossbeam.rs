// The rows of bench/chan with crossbeam's channels; prints what rows.h prints.
include!("../rows.rs");
use crossbeam_channel::{bounded, select, unbounded, Receiver, Sender};

const CAPACITY: usize = 1024;
const MESSAGES: u64 = 400_000;
const PAIRS: u64 = 200_000;

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
    measure_rows(
        "crossbeam",
        &[
            ("mpmc_1p1c", |_| through(bounded(CAPACITY), 1)),
            ("mpmc_4p4c", |_| through(bounded(CAPACITY), 4)),
            ("mpmc_pair", |_| pair()),
            ("select", |_| select_two()),
            ("round_trip", |_| round_trip()),
            ("unbounded_1p1c", |_| through(unbounded(), 1)),
        ],
        |_| (),
    );
}
