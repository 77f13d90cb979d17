#!/usr/bin/env python3
"""Make the input files of the real-program cases in the current folder (deterministic, some seconds, about 90 MB)."""
import random
import struct
import zlib

random.seed(7)
DNA, AMINO = "ACGT", "ACDEFGHIKLMNPQRSTVWY"


def mutate(seq, alphabet, rate):
    return "".join(random.choice(alphabet) if random.random() < rate else c for c in seq)


def rand(alphabet, n):
    return "".join(random.choice(alphabet) for _ in range(n))


def fasta(path, prefix, seqs):
    with open(path, "w") as f:
        f.writelines(f">{prefix}{i}\n{s}\n" for i, s in enumerate(seqs))


pool = [rand(DNA, 900)]                                   # an alignment with a phylogeny in it
while len(pool) < 120:
    pool.append(mutate(random.choice(pool), DNA, 0.04))
fasta("dna.aln.fa", "s", pool)

prot = [rand(AMINO, 220)]                                 # a protein family with deletions
while len(prot) < 60:
    s = mutate(random.choice(prot), AMINO, 0.08)
    k = random.randrange(len(s) - 8)
    prot.append(s[:k] + s[k + random.randrange(1, 5):] if random.random() < 0.5 else s)
fasta("prot.fa", "p", prot)

fasta("bigprot.fa", "b", [mutate(b, AMINO, 0.03 * (j % 4)) for b in (rand(AMINO, 250) for _ in range(300)) for j in range(10)])

genome, comp = rand(DNA, 60000), str.maketrans("ACGT", "TGCA")   # paired reads
with open("r1.fq", "w") as a, open("r2.fq", "w") as b:
    for i in range(12000):
        st = random.randrange(len(genome) - 400)
        frag = genome[st:st + 400]
        a.write(f"@r{i}/1\n{mutate(frag[:120], DNA, .002)}\n+\n{'I' * 120}\n")
        b.write(f"@r{i}/2\n{mutate(frag[-120:].translate(comp)[::-1], DNA, .002)}\n+\n{'I' * 120}\n")

bases = [rand("acgt", 250) for _ in range(60)]            # amplicons
with open("amp.fa", "w") as f:
    f.writelines(f">a{i} count=1;\n{mutate(random.choice(bases), 'acgt', .02)}\n" for i in range(2500))

with open("tr.svm", "w") as f:                            # a classification table
    for _ in range(20000):
        v = [random.random() for _ in range(20)]
        y = 1 if v[0] * v[1] + v[2] > 0.8 + 0.1 * random.random() else 0
        f.write(f"{y} " + " ".join(f"{k}:{q:.4f}" for k, q in enumerate(v)) + "\n")
with open("xgb.conf", "w") as f:
    f.write('booster=gbtree\nobjective=binary:logistic\neta=0.3\nmax_depth=6\ntree_method=hist\nnthread=2\nseed=1\n'
            'num_round=30\ndata="tr.svm"\nmodel_out="xgb.model"\n')

with open("dt.R", "w") as f:                              # data.table: group, order, sort, write, read
    f.write('library(data.table); setDTthreads(2L); set.seed(1); n <- 1e6\n'
            'd <- data.table(id=sample(1e5L,n,TRUE), g=sample(50L,n,TRUE), x=as.numeric(sample(1e6L,n,TRUE)))\n'
            'r <- d[,.(s=sum(x),m=max(x),n=.N),by=.(id%%1000L,g)]; setorder(r,id,g); o <- fsort(d$x)\n'
            'fwrite(r,"dt_r.csv"); fwrite(d[order(id,g,x)][1:300000],"dt_o.csv"); z <- fread("dt_o.csv")\n'
            'cat(nrow(r), sum(o[seq(1,n,1000)]), sum(z$x), getDTthreads(), "\\n")\n')


def png(path, width, height):
    """Smooth colours with noise on top, so that blurring, resizing and compressing have something to do."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = bytearray()
    smooth = bytes(128 + (x % width) * 90 // width for x in range(3 * width)) * 2
    for y in range(height):
        noise = random.randbytes(3 * width)
        rows += b"\0" + bytes(g ^ n >> 3 for g, n in zip(smooth[3 * y % (3 * width):], noise))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        f.write(chunk(b"IDAT", zlib.compress(bytes(rows), 1)) + chunk(b"IEND", b""))


png("img.png", 1600, 1200)
blob = random.randbytes(30_000_000)                       # bytes that no compressor shrinks, and a film of the same
with open("blob.bin", "wb") as f:
    f.write(blob)
with open("video.yuv", "wb") as f:
    f.write(blob[:20_736_000])
