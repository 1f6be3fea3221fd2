using System.Diagnostics;
using System.Runtime.InteropServices;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Gauges;
using Loadline.Reading;
using Loadline.Tensors;
using Loadline.Tensors.Memory;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Unit.Reading;

/// <summary>What is read past the page cache is in place byte for byte, wherever it lies in the file and in memory; what cannot be read so is read otherwise.</summary>
public sealed class DirectPiecesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new(onDisk: true);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Fixtures.Readable), MemberType = typeof(Fixtures))]
    public void Every_byte_of_a_small_checkpoint_arrives(string name)
    {
        using var checkpoint = Checkpoint.Open(Fixtures.Path(name));

        Load(checkpoint, shift: 0, readers: 2);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(512)]
    [InlineData(4032)]
    [InlineData(4095)]
    public void Every_byte_of_a_large_one_arrives_at_any_address(int shift)
    {
        using var checkpoint = LargeCheckpoint.Create(_folder["w.safetensors"], tensors: 4, mebibytesEach: 7);

        Load(checkpoint, shift, readers: 2);
        Load(checkpoint, shift, readers: 1);
    }

    [Theory]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(69_632)]
    [InlineData(73_727)]
    [InlineData(73_728)]
    public void Sizes_around_the_buffers_arrive_at_any_address(int bytes)
    {
        for (var shift = 0; shift < 4096; shift += 455)
        {
            using var checkpoint = Tensors(_folder["w.safetensors"], [bytes, 3, 0, bytes - 1, 4096, bytes + 1]);
            Load(checkpoint, shift, readers: 1);
        }
    }

    [Theory]
    [InlineData(1000, 300_000)]
    [InlineData(5_000_000, 77)]
    [InlineData(7_000_000, 300_000)]
    public void What_lies_in_another_ends_before_it_and_arrives(int offset, int bytes)
    {
        using var checkpoint = LargeCheckpoint.Create(_folder["w.safetensors"], tensors: 2, mebibytesEach: 7);
        var whole = WeightLayout.For(checkpoint, checkpoint.Entries, null, Device.Cpu).Storages[0];

        Load(checkpoint, [whole, whole with { SourceOffset = offset, Bytes = bytes }], shift: 64, readers: 1);
    }

    [Fact]
    public void The_page_cache_gets_nothing_and_each_byte_is_read_once()
    {
        using (LargeCheckpoint.Create(_folder["w.safetensors"], tensors: 3, mebibytesEach: 20))
        {
        }

        if (!PageCache.Evict(_folder["w.safetensors"]).IsCold) Assert.Skip("this file system keeps its pages");
        var reads = new Counting();
        using var checkpoint = Checkpoint.Open(_folder["w.safetensors"], reads);
        if (!CanReadDirect(checkpoint)) Assert.Skip("this disk has no direct reads");
        reads.Bytes = 0;

        Load(checkpoint, shift: 64, readers: 2, compare: false);

        // The header, and what the kernel reads with it.
        PageCache.Residency(checkpoint.Path).ResidentBytes.Should().BeLessThan(ByteSize.MiB);
        reads.Bytes.Should().BeInRange(60 * ByteSize.MiB, 60 * ByteSize.MiB + 20 * DirectPieces.BufferBytes, "a buffer at the ends of tensors and windows comes twice");
    }

    [Fact]
    public void Reads_that_give_less_than_was_asked_for_are_continued()
    {
        using var checkpoint = LargeCheckpoint.Create(_folder["w.safetensors"], tensors: 2, mebibytesEach: 3, new Short(512 * 37));

        Load(checkpoint, shift: 64, readers: 2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_file_system_that_refuses_such_reads_is_read_otherwise(int failFrom)
    {
        using var checkpoint = LargeCheckpoint.Create(_folder["w.safetensors"], tensors: 2, mebibytesEach: 9, new Refusing(failFrom));

        Load(checkpoint, shift: 64, readers: 1);
    }

    [Fact]
    public void A_file_that_is_cut_meanwhile_is_an_error_of_some_tensor()
    {
        using var checkpoint = LargeCheckpoint.Create(_folder["w.safetensors"], tensors: 3, mebibytesEach: 9);
        if (!CanReadDirect(checkpoint)) Assert.Skip("this disk has no direct reads");
        using (var file = File.OpenWrite(checkpoint.Path)) file.SetLength(20 * ByteSize.MiB + 77);

        var error = FluentActions.Invoking(() => Load(checkpoint, shift: 64, readers: 2)).Should().Throw<CheckpointException>().Which;

        (error.Error, error.Tensor).Should().Be((CheckpointError.Truncated, "t02"));
        error.Message.Should().Contain("ended while it was read: expected").And.Contain("was the file replaced or cut?");
    }

    [Fact]
    public void A_file_in_memory_is_read_whether_its_file_system_has_such_reads_or_not()
    {
        if (!Directory.Exists("/dev/shm")) Assert.Skip("there is no tmpfs here");
        var path = $"/dev/shm/loadline-{Guid.NewGuid():N}.safetensors";
        try
        {
            using var checkpoint = LargeCheckpoint.Create(path, tensors: 2, mebibytesEach: 3);
            Load(checkpoint, shift: 64, readers: 2);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void So_is_one_on_an_overlay()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root mounts an overlay");
        foreach (var name in (string[])["lower", "upper", "work", "merged"]) Directory.CreateDirectory(_folder[name]);
        using (LargeCheckpoint.Create(_folder["lower/w.safetensors"], tensors: 2, mebibytesEach: 3))
        {
        }

        if (!Succeeds("mount", "-t", "overlay", "-o", $"lowerdir={_folder["lower"]},upperdir={_folder["upper"]},workdir={_folder["work"]}", "overlay", _folder["merged"])) Assert.Skip("no overlay can be mounted here");
        try
        {
            using var checkpoint = Checkpoint.Open(_folder["merged/w.safetensors"]);
            Load(checkpoint, shift: 64, readers: 2);
        }
        finally
        {
            Succeeds("umount", _folder["merged"]).Should().BeTrue();
        }
    }

    private static void Load(Checkpoint checkpoint, int shift, int readers, bool compare = true) =>
        Load(checkpoint, WeightLayout.For(checkpoint, checkpoint.Entries, null, Device.Cpu).Storages, shift, readers, compare);

    private static void Load(Checkpoint checkpoint, IReadOnlyList<WeightStorage> storages, int shift, int readers, bool compare = true)
    {
        checkpoint.ReadPolicy = new(ReadsAhead: true, DropsBehind: false, ReadsDirect: true);
        var targets = storages.Select(s => new Destination(s, new ShiftedStorage(s.Bytes, shift))).ToList();
        try
        {
            using var source = new WeightSource(checkpoint);
            WeightReads.IntoPlace(source, targets, readers);
            if (!compare) return;
            checkpoint.ReadPolicy = default;
            foreach (var (layout, target) in targets)
            {
                var expected = new byte[layout.Bytes];
                source.Read(layout, 0, expected);
                ((HostStorage)target).Slice(0, expected.Length).SequenceEqual(expected).Should().BeTrue($"{layout.Tensors[0].Name} is compared");
                ((ShiftedStorage)target).IsIntactAround.Should().BeTrue($"nothing beside {layout.Tensors[0].Name} was written");
            }
        }
        finally
        {
            foreach (var (_, target) in targets) target.Release();
        }
    }

    private static unsafe bool CanReadDirect(Checkpoint checkpoint)
    {
        checkpoint.ReadPolicy = new(ReadsAhead: true, DropsBehind: false, ReadsDirect: true);
        var block = NativeMemory.AlignedAlloc(ReadPolicy.DirectAlignment, ReadPolicy.DirectAlignment);
        var can = checkpoint.TryReadDirect(checkpoint.Path, 0, new Span<byte>(block, ReadPolicy.DirectAlignment), 1);
        NativeMemory.AlignedFree(block);
        return can;
    }

    private static Checkpoint Tensors(string path, int[] sizes)
    {
        var end = 0;
        var entries = sizes.Select((bytes, i) => $$"""
            "t{{i}}":{"dtype":"U8","shape":[{{bytes}}],"data_offsets":[{{end}},{{end += bytes}}]}
            """);
        var header = System.Text.Encoding.UTF8.GetBytes($"{{{string.Join(',', entries)}}}");
        var data = new byte[end];
        new Random(2).NextBytes(data);
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)header.Length), .. header, .. data]);
        return Checkpoint.Open(path);
    }

    private static bool Succeeds(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    /// <summary>Memory that begins so many bytes after a block, between bytes that nobody may write.</summary>
    private sealed unsafe class ShiftedStorage : HostStorage
    {
        private const int Around = 8192;
        private readonly byte* _memory;
        private readonly int _shift;

        public ShiftedStorage(long bytes, int shift)
            : base(bytes)
        {
            _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes + 2 * Around), 4096);
            _shift = 4096 + shift;
            NativeMemory.Fill(_memory, (nuint)(bytes + 2 * Around), 0xEE);
        }

        public override byte* Pointer => _memory + _shift;

        public bool IsIntactAround =>
            !new Span<byte>(_memory, _shift).ContainsAnyExcept((byte)0xEE) && !new Span<byte>(Pointer + Bytes, 2 * Around - _shift).ContainsAnyExcept((byte)0xEE);

        protected override void Free() => NativeMemory.AlignedFree(_memory);
    }

    private sealed class Counting : PositionedReads
    {
        private long _bytes;

        public long Bytes
        {
            get => _bytes;
            set => _bytes = value;
        }

        protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination)
        {
            var count = base.ReadSome(file, position, destination);
            Interlocked.Add(ref _bytes, count);
            return count;
        }
    }

    private sealed class Short(int most) : PositionedReads
    {
        protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination) =>
            base.ReadSome(file, position, destination[..Math.Min(most, destination.Length)]);
    }

    /// <summary>What a file system says to a direct read that it does not want, from one of them on. Which reads are such shows their destination.</summary>
    private sealed unsafe class Refusing(int from) : PositionedReads
    {
        private int _count;

        protected override int ReadSome(SafeFileHandle file, long position, Span<byte> destination)
        {
            fixed (byte* first = destination)
            {
                var isDirect = position % 4096 == 0 && (nint)first % 4096 == 0 && destination.Length % 4096 == 0;
                if (isDirect && ++_count >= from) throw new IOException("Invalid argument");
            }

            return base.ReadSome(file, position, destination);
        }
    }
}
