using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Gauges;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Unit.Checkpoints;

/// <summary>Reads past the page cache. Where this machine's disk has none, the tests that need them are skipped.</summary>
public sealed unsafe class DirectReadsTests : IDisposable
{
    private const int BlockBytes = 4096;
    private static readonly ReadPolicy Direct = new(ReadsAhead: true, DropsBehind: true, ReadsDirect: true);

    private readonly TemporaryFolder _folder = new(onDisk: true);
    private readonly byte* _memory = (byte*)NativeMemory.AlignedAlloc(4 * (nuint)ByteSize.MiB, BlockBytes);

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _folder.Dispose();
    }

    [Fact]
    public void Bytes_come_as_they_lie_in_the_file_up_to_its_end()
    {
        using var checkpoint = Create();
        var expected = File.ReadAllBytes(checkpoint.Path);
        var last = expected.Length / BlockBytes * BlockBytes;

        Read(checkpoint, BlockBytes, 100 * BlockBytes, needed: 99 * BlockBytes + 1).SequenceEqual(expected.AsSpan(BlockBytes, 99 * BlockBytes + 1)).Should().BeTrue();
        Read(checkpoint, last, BlockBytes, needed: expected.Length - last).SequenceEqual(expected.AsSpan(last)).Should().BeTrue();
    }

    [Fact]
    public void The_page_cache_gets_nothing()
    {
        using (Create())
        {
        }

        if (!PageCache.Evict(_folder["w.safetensors"]).IsCold) Assert.Skip("this filesystem keeps its pages");
        using var checkpoint = Open();

        Read(checkpoint, 0, 3 * (int)ByteSize.MiB, needed: 3 * (int)ByteSize.MiB);

        // Opening read the header, and the kernel something more.
        PageCache.Residency(checkpoint.Path).ResidentBytes.Should().BeLessThan(ByteSize.MiB);
    }

    [Fact]
    public void It_is_the_file_whose_headers_were_read_also_where_another_has_its_name()
    {
        using var checkpoint = Create();
        var expected = File.ReadAllBytes(checkpoint.Path);
        File.Delete(checkpoint.Path);
        _folder.Write("w.safetensors", new byte[expected.Length]);

        Read(checkpoint, 0, BlockBytes, needed: BlockBytes).SequenceEqual(expected.AsSpan(0, BlockBytes)).Should().BeTrue();
    }

    [Fact]
    public void A_file_that_was_cut_is_an_error_with_what_was_expected_and_found()
    {
        using var checkpoint = Create();
        Read(checkpoint, 0, BlockBytes, needed: BlockBytes);
        using (var file = File.OpenWrite(checkpoint.Path)) file.SetLength(10 * BlockBytes + 5);

        FluentActions.Invoking(() => Read(checkpoint, 8 * BlockBytes, 4 * BlockBytes, needed: 4 * BlockBytes)).Should().Throw<CheckpointException>()
            .WithMessage("*ended while it was read: expected 16384 bytes at 32768, found 8197; was the file replaced or cut?").Which.Error.Should().Be(CheckpointError.Truncated);
    }

    [Fact]
    public void Nothing_is_read_where_the_policy_does_not_want_it()
    {
        using var checkpoint = Create();
        checkpoint.ReadPolicy = Direct with { ReadsDirect = false };

        checkpoint.TryReadDirect(checkpoint.Path, 0, new Span<byte>(_memory, BlockBytes), BlockBytes).Should().BeFalse();
    }

    [Fact]
    public void A_file_system_that_refuses_is_asked_once()
    {
        var reads = new Refusing();
        using var checkpoint = Create(reads);
        reads.IsOpened = true;

        for (var i = 0; i < 3; i++) checkpoint.TryReadDirect(checkpoint.Path, 0, new Span<byte>(_memory, BlockBytes), BlockBytes).Should().BeFalse();

        reads.Asked.Should().BeLessThanOrEqualTo(1);
    }

    private ReadOnlySpan<byte> Read(Checkpoint checkpoint, long position, int bytes, int needed)
    {
        new Span<byte>(_memory, bytes).Fill(0xCC);
        if (!checkpoint.TryReadDirect(checkpoint.Path, position, new Span<byte>(_memory, bytes), needed)) Assert.Skip("this disk has no direct reads");
        return new ReadOnlySpan<byte>(_memory, needed);
    }

    private Checkpoint Create(PositionedReads? reads = null)
    {
        var checkpoint = LargeCheckpoint.Create(_folder["w.safetensors"], tensors: 3, mebibytesEach: 1, reads);
        checkpoint.ReadPolicy = Direct;
        return checkpoint;
    }

    private Checkpoint Open()
    {
        var checkpoint = Checkpoint.Open(_folder["w.safetensors"]);
        checkpoint.ReadPolicy = Direct;
        return checkpoint;
    }

    private sealed class Refusing : PositionedReads
    {
        public bool IsOpened { get; set; }

        public int Asked { get; private set; }

        protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination)
        {
            if (!IsOpened) return base.ReadSome(file, position, destination);
            Asked++;
            throw new IOException("Invalid argument");
        }
    }
}
