// The rows of bench/task with goroutines; prints what rows.h prints.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	spawns   = 10000
	fibOf    = 22
	fibTasks = 28656
)

func spawnJoin() float64 {
	before := time.Now()
	done := make(chan struct{}, 1)
	for i := 0; i < spawns; i++ {
		go func() { done <- struct{}{} }()
		<-done
	}
	return float64(time.Since(before).Nanoseconds()) / spawns
}

func spawnWait() float64 {
	before := time.Now()
	var all sync.WaitGroup
	all.Add(spawns)
	for i := 0; i < spawns; i++ {
		go all.Done()
	}
	all.Wait()
	return float64(time.Since(before).Nanoseconds()) / spawns
}

func fib(n int) int {
	if n < 2 {
		return n
	}
	a := make(chan int, 1)
	go func() { a <- fib(n - 1) }()
	b := fib(n - 2)
	return <-a + b
}

func fibs() float64 {
	before := time.Now()
	if fib(fibOf) != 17711 {
		fmt.Fprintln(os.Stderr, "bench: wrong result")
		os.Exit(1)
	}
	return float64(time.Since(before).Nanoseconds()) / fibTasks
}

type object struct{ bytes [48]byte }

var objects = sync.Pool{New: func() any { return new(object) }}

func pool() float64 {
	before := time.Now()
	for i := 0; i < spawns; i++ {
		o := objects.Get().(*object)
		o.bytes[0] = 1
		objects.Put(o)
	}
	return float64(time.Since(before).Nanoseconds()) / spawns
}

var many [1000]*object

func poolMany() float64 {
	before := time.Now()
	for i := range many {
		many[i] = objects.Get().(*object)
		many[i].bytes[0] = 1
	}
	for i := range many {
		objects.Put(many[i])
	}
	return float64(time.Since(before).Nanoseconds()) / float64(len(many))
}

const outstanding = 500000

func residentBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	pages, _ := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	return pages * float64(os.Getpagesize())
}

var bytesOfOutstanding float64

// A goroutine that waits: its stack is part of it.
func memory() float64 {
	if bytesOfOutstanding > 0 {
		return bytesOfOutstanding
	}
	before := residentBytes()
	release := make(chan struct{})
	for i := 0; i < outstanding; i++ {
		go func() { <-release }()
	}
	bytesOfOutstanding = (residentBytes() - before) / outstanding
	close(release)
	return bytesOfOutstanding
}

func main() {
	measure([]row{{"spawn_join", "ns", spawnJoin}, {"spawn_wait", "ns", spawnWait}, {"fib", "ns", fibs}, {"outside", "ns", spawnWait},
		{"pool", "ns", pool}, {"pool_many", "ns", poolMany}, {"memory", "B", memory}})
}
