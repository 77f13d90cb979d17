// What the programs of goroutines share: a row's rounds are repeated for a time, and printed as rows.h prints them.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

type row struct {
	name, unit string
	round      func() float64
}

const samplesMax = 512

func find(rows []row, name string) *row {
	for i := range rows {
		if rows[i].name == name {
			return &rows[i]
		}
	}
	return nil
}

func samples(r *row, ms float64) []string {
	var all []string
	r.round()
	for start := time.Now(); float64(time.Since(start).Milliseconds()) < ms || len(all) < 3; {
		if value := r.round(); len(all) < samplesMax {
			all = append(all, fmt.Sprintf("%.6g", value))
		}
	}
	return all
}

func measure(rows []row) {
	ms, workers := 100.0, 2
	if len(os.Args) > 1 && os.Args[1] == "--list" {
		for _, r := range rows {
			fmt.Println(r.name)
		}
		return
	}
	var r *row
	if len(os.Args) > 1 {
		r = find(rows, os.Args[1])
	}
	if r == nil {
		fmt.Fprintln(os.Stderr, "usage: go ROW [MILLISECONDS [WORKERS]]")
		os.Exit(2)
	}
	if len(os.Args) > 2 {
		ms, _ = strconv.ParseFloat(os.Args[2], 64)
	}
	if len(os.Args) > 3 {
		workers, _ = strconv.Atoi(os.Args[3])
	}
	runtime.GOMAXPROCS(workers)
	fmt.Printf("{\"library\":\"go\",\"series\":[{\"name\":\"%s\",\"unit\":\"%s\",\"more_is_better\":false,\"samples\":[%s]}]}\n",
		r.name, r.unit, strings.Join(samples(r, ms), ","))
}
