using System.IO.Compression;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Deflate;

namespace Loadline.Unit.Checkpoints.Deflate;

/// <summary>What is inflated is what zlib inflates, which .NET's own stream calls; and what is hardly more than tables is refused before it takes long.</summary>
public sealed class InflaterTests
{
    public static TheoryData<string, CompressionLevel> Streams =>
        new MatrixTheoryData<string, CompressionLevel>(["weights", "zeros", "text", "far", "runs", "rare", "noise", "one", "none"], Enum.GetValues<CompressionLevel>());

    [Theory]
    [MemberData(nameof(Streams))]
    public void What_was_deflated_comes_back(string kind, CompressionLevel level)
    {
        var bytes = BytesOf(kind);
        Inflated(Deflated(bytes, level), bytes.Length, step: 1 << 20).Should().Equal(bytes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(65_536)]
    public void It_comes_in_pieces_of_any_size(int step)
    {
        var bytes = BytesOf("text")[..100_000];
        Inflated(Deflated(bytes, CompressionLevel.Optimal), bytes.Length, step).Should().Equal(bytes);
    }

    // Strategies of zlib that make other blocks: fixed codes, runs alone, no matches.
    [Theory]
    [InlineData(ZLibCompressionStrategy.Fixed)]
    [InlineData(ZLibCompressionStrategy.HuffmanOnly)]
    [InlineData(ZLibCompressionStrategy.RunLengthEncoding)]
    [InlineData(ZLibCompressionStrategy.Filtered)]
    public void However_it_was_deflated(ZLibCompressionStrategy strategy)
    {
        var bytes = BytesOf("runs");
        using var stream = new MemoryStream();
        using (var deflate = new ZLibStream(stream, new ZLibCompressionOptions { CompressionStrategy = strategy }, leaveOpen: true)) deflate.Write(bytes);
        // Two bytes of zlib's own before it, four behind it.
        Inflated(stream.ToArray()[2..^4], bytes.Length, step: 4096).Should().Equal(bytes);
    }

    // A writer that empties its buffers after each few bytes makes many small blocks.
    [Fact]
    public void It_may_be_flushed_often()
    {
        var bytes = BytesOf("weights")[..200_000];
        using var stream = new MemoryStream();
        using (var deflate = new DeflateStream(stream, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            foreach (var chunk in bytes.Chunk(200))
            {
                deflate.Write(chunk);
                deflate.Flush();
            }
        }

        Inflated(stream.ToArray(), bytes.Length, step: 1000).Should().Equal(bytes);
    }

    // As of a program that flushes after each record of its pickle, or each value.
    [Theory]
    [InlineData(20)]
    [InlineData(200)]
    [InlineData(2048)]
    [InlineData(8192)]
    public void Text_may_be_flushed_as_well(int every)
    {
        var bytes = BytesOf("text");
        using var stream = new MemoryStream();
        using (var deflate = new DeflateStream(stream, CompressionLevel.Optimal, leaveOpen: true))
        {
            foreach (var chunk in bytes.Chunk(every))
            {
                deflate.Write(chunk);
                deflate.Flush();
            }
        }

        Inflated(stream.ToArray(), bytes.Length, step: 50_000).Should().Equal(bytes);
    }

    // What is read of the file lies in a window of 32 KiB: where it moves on between a block with codes and the head of a stored one, bytes are given back that were
    // looked at before.
    [Fact]
    public void Blocks_may_begin_wherever_a_window_ends()
    {
        var (noise, text) = (Noise(new Random(2), 33_000), BytesOf("text")[..800]);
        for (var first = 32_300; first < 32_790; first++)
        {
            byte[][] chunks = [noise[..first], text, noise[..77], text, noise];
            using var stream = new MemoryStream();
            using (var deflate = new DeflateStream(stream, CompressionLevel.Optimal, leaveOpen: true))
            {
                foreach (var chunk in chunks)
                {
                    deflate.Write(chunk);
                    deflate.Flush();
                }
            }

            var bytes = chunks.SelectMany(chunk => chunk).ToArray();
            Inflated(stream.ToArray(), bytes.Length, step: 50_000).AsSpan().SequenceEqual(bytes).Should().BeTrue($"the first block has {first} bytes");
        }
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(4096)]
    [InlineData(131_072)]
    public void Weights_that_were_flushed_come_back(int every)
    {
        var bytes = Enumerable.Range(0, 12).SelectMany(_ => BytesOf("weights")).ToArray();
        using var stream = new MemoryStream();
        using (var deflate = new DeflateStream(stream, CompressionLevel.Optimal, leaveOpen: true))
        {
            foreach (var chunk in bytes.Chunk(every))
            {
                deflate.Write(chunk);
                deflate.Flush();
            }
        }

        Inflated(stream.ToArray(), bytes.Length, step: 1 << 20).AsSpan().SequenceEqual(bytes).Should().BeTrue();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_is_damaged_is_refused_or_as_zlib_has_it(int seed)
    {
        var random = new Random(seed);
        var (same, refused) = (0, 0);
        for (var round = 0; round < 300; round++)
        {
            var bytes = BytesOf(round % 2 == 0 ? "text" : "weights").AsSpan(random.Next(1000), random.Next(1, 3000)).ToArray();
            var damaged = Deflated(bytes, round % 3 == 0 ? CompressionLevel.Fastest : CompressionLevel.SmallestSize);
            for (var change = random.Next(1, 4); change > 0; change--) damaged[random.Next(Math.Min(damaged.Length, 120))] = (byte)random.Next(256);

            var theirs = ByZlib(damaged, out var isWhole);
            try
            {
                Inflated(damaged, theirs.Length, step: 500).Should().Equal(theirs);
                isWhole.Should().BeTrue();
                same++;
            }
            catch (InvalidDataException wrong)
            {
                isWhole.Should().BeFalse($"in round {round} zlib reads it to its end, here it {wrong.Message}");
                refused++;
            }
        }

        same.Should().BePositive();
        refused.Should().BePositive();
    }

    [Theory]
    [InlineData("ends", new byte[] { 0b10 })]
    [InlineData("ends", new byte[] { 0b11 })]
    [InlineData("has a block of no kind", new byte[] { 0b111, 0, 0 })]
    [InlineData("has a stored block with two lengths", new byte[] { 1, 1, 0, 0, 0, 7 })]
    [InlineData("goes on", new byte[] { 1, 3, 0, 0xfc, 0xff, 1, 2, 3 })]
    [InlineData("has a code of too many symbols", new byte[] { 0b1111_1101, 0xff, 0xff, 0xff })]
    [InlineData("has a code with words that mean nothing", new byte[] { 0b101, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0 })]
    [InlineData("reaches back before its start", new byte[] { 0b0000_0011, 0b0000_0010, 0, 0 })]
    public void What_is_wrong_is_told(string problem, byte[] deflated) =>
        FluentActions.Invoking(() => Inflated(deflated, 2, step: 10)).Should().Throw<InvalidDataException>().WithMessage(problem);

    [Fact]
    public void Hardly_more_than_heads_of_blocks_is_refused_and_some_thousands_are_not()
    {
        Inflated(TinyDeflate.Tables(49_000), 0, step: 10).Should().BeEmpty();
        Inflated(TinyDeflate.Blocks(100_000), 0, step: 10).Should().BeEmpty();
        Refused(() => Inflated(TinyDeflate.Tables(60_000), 0, step: 10));
        Refused(() => Inflated(TinyDeflate.Blocks(900_000), 0, step: 10));
    }

    // Each record of a checkpoint may begin with a block; beyond that all of them have one allowance.
    [Fact]
    public void What_streams_have_beyond_their_bytes_they_have_together()
    {
        var (one, few, allowance) = (TinyDeflate.Tables(1), TinyDeflate.Tables(11), new BlockAllowance());

        for (var i = 0; i < 60_000; i++) Inflated(one, 0, step: 10, allowance);
        for (var i = 0; i < 4_900; i++) Inflated(few, 0, step: 10, allowance);
        Refused(() => Enumerable.Range(0, 200).Select(_ => Inflated(few, 0, step: 10, allowance)).ToList());
    }

    // What writers make by themselves takes nothing of it, however often it is read.
    [Theory]
    [MemberData(nameof(Streams))]
    public void What_was_deflated_at_once_is_justified_by_its_bytes(string kind, CompressionLevel level)
    {
        var (bytes, spent) = (BytesOf(kind), new BlockAllowance());
        spent.Take((long)BlockAllowance.Blocks * BlockAllowance.PerBlock);

        Inflated(Deflated(bytes, level), bytes.Length, step: 1 << 20, spent).Should().HaveCount(bytes.Length);
    }

    private static void Refused(Action inflate) => inflate.Should().Throw<InvalidDataException>().WithMessage("is hardly more than the heads of blocks");

    private static byte[] BytesOf(string kind)
    {
        var random = new Random(1);
        return kind switch
        {
            "weights" => [.. Enumerable.Range(0, 100_000).SelectMany(_ => BitConverter.GetBytes((float)(random.NextDouble() + random.NextDouble() - 1) / 50))],
            "zeros" => new byte[1_000_000],
            "text" => [.. Enumerable.Range(0, 20_000).SelectMany(i => System.Text.Encoding.ASCII.GetBytes($"layers.{i * 7919 % 1000}.weight "))],
            // The same again, as far back as is reached.
            "far" => [.. Enumerable.Repeat(Noise(random, 32_768), 5).SelectMany(b => b)],
            "runs" => [.. Enumerable.Range(0, 5000).SelectMany(i => Enumerable.Repeat((byte)(i * i), 1 + (i * 31 % 700)))],
            // Each byte about as often as the two before it together: words get as long as they may.
            "rare" => [.. Enumerable.Range(0, 22).SelectMany(i => Enumerable.Repeat((byte)i, (int)Math.Pow(1.6, i))).OrderBy(_ => random.Next())],
            "noise" => Noise(random, 300_000),
            "one" => [7],
            _ => [],
        };
    }

    private static byte[] Noise(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Deflated(byte[] bytes, CompressionLevel level)
    {
        using var stream = new MemoryStream();
        using (var deflate = new DeflateStream(stream, level, leaveOpen: true)) deflate.Write(bytes);
        // Of nothing .NET writes nothing.
        return stream.Length == 0 ? [1, .. TinyDeflate.EmptyBlock[1..]] : stream.ToArray();
    }

    private static byte[] Inflated(byte[] deflated, int bytes, int step, BlockAllowance? allowance = null)
    {
        var inflater = new Inflater(new MemoryStream(deflated), deflated.Length, bytes, allowance ?? new());
        using var result = new MemoryStream();
        var buffer = new byte[step];
        for (int count; (count = inflater.Read(buffer)) > 0;) result.Write(buffer, 0, count);
        return result.ToArray();
    }

    // What comes of it until it ends or is found to be damaged. The stream does not tell one that is cut from one that ended; but of what is whole the same comes
    // whatever stands behind it.
    private static byte[] ByZlib(byte[] deflated, out bool isWhole)
    {
        var random = new Random(1);
        var theirs = ByZlib(deflated);
        isWhole = !theirs.IsDamaged
            && Enumerable.Range(0, 5).All(_ => ByZlib([.. deflated, .. Noise(random, 400)]) is (var bytes, false) && bytes.AsSpan().SequenceEqual(theirs.Bytes));
        return theirs.Bytes;
    }

    private static (byte[] Bytes, bool IsDamaged) ByZlib(byte[] deflated)
    {
        using var result = new MemoryStream();
        using var inflate = new DeflateStream(new MemoryStream(deflated), CompressionMode.Decompress);
        var one = new byte[1];
        try
        {
            while (inflate.Read(one) > 0) result.Write(one);
            return (result.ToArray(), false);
        }
        catch (InvalidDataException)
        {
            return (result.ToArray(), true);
        }
    }
}
