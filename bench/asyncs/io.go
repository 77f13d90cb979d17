package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The same as in io.h.
const (
	roundMs   = 200
	readers   = 64
	reads     = 64
	readBytes = 4096
	fileBytes = 16 << 20
)

func die(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var echoPort int

// The server: a goroutine for each connection.
func serve(listener net.Listener) {
	for {
		c, err := listener.Accept()
		die(err)
		go func() {
			defer c.Close()
			text := make([]byte, 4096)
			for {
				n, err := c.Read(text)
				if err == io.EOF || n == 0 {
					return
				}
				if _, err = c.Write(text[:n]); err != nil {
					return
				}
			}
		}()
	}
}

func echoes() float64 {
	if echoPort == 0 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		die(err)
		echoPort = listener.Addr().(*net.TCPAddr).Port
		go serve(listener)
	}
	self, err := os.Executable()
	die(err)
	out, err := exec.Command(filepath.Join(filepath.Dir(self), "load"), strconv.Itoa(echoPort), strconv.Itoa(roundMs)).Output()
	die(err)
	ns, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	die(err)
	return ns
}

var file *os.File

func files() float64 {
	if file == nil {
		var err error
		file, err = os.CreateTemp("", "bench")
		die(err)
		die(os.Remove(file.Name()))
		_, err = file.Write(make([]byte, fileBytes))
		die(err)
	}
	var all sync.WaitGroup
	all.Add(readers)
	before := time.Now()
	for i := 0; i < readers; i++ {
		go func(number uint64) {
			buffer := make([]byte, readBytes)
			for n := number * reads; n < (number+1)*reads; n++ {
				_, err := file.ReadAt(buffer, int64(n*2654435761%(fileBytes/readBytes)*readBytes))
				die(err)
			}
			all.Done()
		}(uint64(i))
	}
	all.Wait()
	return float64(time.Since(before).Nanoseconds()) / (readers * reads)
}
