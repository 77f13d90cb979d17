// What the benchmarks in Rust have in common, as tasks/rows.h for those in C; included into each.
use std::time::Instant;

fn ns_each(since: Instant, count: u64) -> f64 {
    since.elapsed().as_nanos() as f64 / count as f64
}

// usage: PROGRAM ROW [MILLISECONDS [WORKERS]], or --list. A row repeats one round for some time; a round returns ns.
fn measure_rows<C>(library: &str, rows: &[(&str, fn(&C) -> f64)], begin: fn(usize) -> C) {
    let args: Vec<String> = std::env::args().collect();
    if args.len() > 1 && args[1] == "--list" {
        for (name, _) in rows {
            println!("{}", name);
        }
        return;
    }
    let Some((name, round)) = rows.iter().find(|r| args.len() > 1 && r.0 == args[1]) else {
        eprintln!("usage: {} ROW [MILLISECONDS [WORKERS]]", library);
        std::process::exit(2);
    };
    let ms: f64 = args.get(2).map_or(100.0, |ms| ms.parse().unwrap());
    let context = begin(args.get(3).map_or(2, |workers| workers.parse().unwrap()));
    round(&context);
    let mut samples = Vec::new();
    let start = Instant::now();
    while start.elapsed().as_millis() < ms as u128 || samples.len() < 3 {
        let ns = round(&context);
        if samples.len() < 512 {
            samples.push(format!("{:.6}", ns));
        }
    }
    println!(
        "{{\"library\":\"{}\",\"series\":[{{\"name\":\"{}\",\"unit\":\"ns\",\"more_is_better\":false,\"samples\":[{}]}}]}}",
        library,
        name,
        samples.join(",")
    );
}
