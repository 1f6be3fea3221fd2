using System.IO.Compression;
using Loadline.Checkpoints;

namespace Loadline.Unit.Checkpoints;

public sealed class WriterTests
{
    public static TheoryData<CheckpointFormat> Formats => [CheckpointFormat.Pth, CheckpointFormat.Safetensors, CheckpointFormat.PerTensor];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Every_dtype_and_shape_comes_back_as_it_was_written(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        var tensors = Declarations(format);
        var contents = tensors.ToDictionary(t => t.Name, Contents);

        using (var writer = CheckpointWriter.Create(folder["out"], format, tensors))
        {
            // In pieces that fall anywhere, across tensors too.
            var all = tensors.SelectMany(t => contents[t.Name]).ToArray();
            for (var i = 0; i < all.Length; i += 97) writer.Write(all.AsSpan(i, Math.Min(97, all.Length - i)));
            writer.Commit();
        }

        using var checkpoint = Checkpoint.Open(folder["out"]);
        checkpoint.Format.Should().Be(format);
        checkpoint.Entries.Should().HaveSameCount(tensors);
        foreach (var tensor in tensors)
        {
            checkpoint.TryFind(tensor.Name, out var entry).Should().BeTrue(tensor.Name);
            entry!.DType.Should().BeSameAs(tensor.DType);
            entry.Shape.Should().Equal(tensor.Shape);
            NaiveBytes.Read(checkpoint, entry).Should().Equal(contents[tensor.Name], tensor.Name);
        }

        if (format != CheckpointFormat.PerTensor) checkpoint.Entries.Select(e => e.Name).Should().Equal(tensors.Select(t => t.Name));
    }

    [Fact]
    public void Shapes_that_no_reader_takes_are_refused_by_every_format()
    {
        using var folder = new TemporaryFolder();
        System.Collections.Immutable.ImmutableArray<long>[] shapes = [default, [-2, -3], [0, -3], [.. Enumerable.Repeat(1L, 65)], [long.MaxValue, 4]];
        foreach (var format in Enum.GetValues<CheckpointFormat>().Where(f => CheckpointFormats.Writable.Contains(f.Name())))
        {
            foreach (var shape in shapes)
            {
                FluentActions.Invoking(() => CheckpointWriter.Create(folder["out"], format, [new TensorDeclaration("w", DType.Float32, shape)]))
                    .Should().Throw<CheckpointException>($"{format} has no {shape}").WithMessage("*tensor 'w'*");
            }
        }

        folder.Names.Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Nothing_stands_under_the_final_name_before_commit_and_nothing_else_after(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        using (var writer = CheckpointWriter.Create(folder["out"], format, [Floats("w", 4)]))
        {
            writer.Write(new byte[16]);
            folder.Names.Should().ContainSingle().Which.Should().StartWith("out.").And.EndWith(".partial");
            writer.Commit();
            folder.Names.Should().Equal("out");
        }

        folder.Names.Should().Equal("out");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Disposing_without_commit_leaves_nothing_and_keeps_what_was_there(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        WriteOne(folder["out"], format, 1);
        using (var writer = CheckpointWriter.Create(folder["out"], format, [Floats("w", 4)])) writer.Write(new byte[7]);

        folder.Names.Should().Equal("out");
        FirstByteOf(folder["out"]).Should().Be(1);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Commit_replaces_what_was_there(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        WriteOne(folder["out"], format, 1);
        WriteOne(folder["out"], format, 2);

        folder.Names.Should().Equal("out");
        FirstByteOf(folder["out"]).Should().Be(2);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Commit_before_the_last_byte_is_refused(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        using var writer = CheckpointWriter.Create(folder["out"], format, [Floats("a", 1), Floats("b", 4)]);
        writer.Write(new byte[7]);
        FluentActions.Invoking(writer.Commit).Should().Throw<InvalidOperationException>().WithMessage("tensor 'b' still lacks 13 bytes");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void More_bytes_than_declared_are_refused(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        using var writer = CheckpointWriter.Create(folder["out"], format, [Floats("a", 1), Floats("b", 1)]);
        FluentActions.Invoking(() => writer.Write(new byte[9])).Should().Throw<InvalidOperationException>().WithMessage("9 bytes are more than the 8*");
        FluentActions.Invoking(() => writer.WriteHole(9)).Should().Throw<InvalidOperationException>();
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_hole_reads_as_zeros_and_takes_no_room(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        const int large = 4 << 20;
        using (var writer = CheckpointWriter.Create(folder["out"], format, [new TensorDeclaration("w", DType.UInt8, [large])], sparse: true))
        {
            writer.Write([1]);
            writer.WriteHole(large - 2);
            writer.Write([2]);
            writer.Commit();
        }

        using var checkpoint = Checkpoint.Open(folder["out"]);
        var bytes = NaiveBytes.Read(checkpoint, checkpoint.Entries[0]);
        (bytes[0], bytes[^1]).Should().Be((1, 2));
        bytes.AsSpan(1, large - 2).IndexOfAnyExcept((byte)0).Should().Be(-1);
        AllocatedBytes(checkpoint.Files[0]).Should().BeLessThan(1 << 19);
    }

    [Fact]
    public void Archives_pass_other_readers_checksums_and_align_payloads_to_64_bytes()
    {
        using var folder = new TemporaryFolder();
        using (var writer = CheckpointWriter.Create(folder["out.pth"], CheckpointFormat.Pth, [Floats("a", 3), Floats("b", 100_000), Floats("hole", 1000)]))
        {
            writer.Write([.. Enumerable.Range(0, 400_012).Select(i => (byte)(i * 7))]);
            writer.WriteHole(4000);
            writer.Commit();
        }

        using var zip = ZipFile.OpenRead(folder["out.pth"]);
        zip.Entries.Select(e => e.FullName).Should().Equal(
            "archive/data.pkl", "archive/.format_version", "archive/.storage_alignment", "archive/byteorder", "archive/data/0", "archive/data/1",
            "archive/data/2", "archive/version", "archive/.data/serialization_id");
        foreach (var entry in zip.Entries)
        {
            using var stream = entry.Open();
            var bytes = new byte[entry.Length];
            stream.ReadExactly(bytes);
            Loadline.Checkpoints.Zip.Crc32.Append(0, bytes).Should().Be(entry.Crc32, entry.FullName);
        }

        using var checkpoint = Checkpoint.Open(folder["out.pth"]);
        checkpoint.Storages.Should().OnlyContain(s => s.Position % 64 == 0);
    }

    [Fact]
    public void A_tie_in_a_pth_shares_its_storage()
    {
        using var folder = new TemporaryFolder();
        TensorDeclaration[] tensors = [Floats("tok_emb", 6), new("out_head", DType.Float32, [2, 3], SharesWith: "tok_emb"), Floats("bias", 1)];
        using (var writer = CheckpointWriter.Create(folder["out.pth"], CheckpointFormat.Pth, tensors))
        {
            writer.Write(new byte[28]);
            writer.Commit();
        }

        using var checkpoint = Checkpoint.Open(folder["out.pth"]);
        checkpoint.Entries[1].Storage.Should().BeSameAs(checkpoint.Entries[0].Storage);
        checkpoint.Entries[1].Shape.Should().Equal(2, 3);
        checkpoint.StorageBytes.Should().Be(28);
    }

    [Fact]
    public void More_than_4_GiB_and_more_than_65535_records_are_written_and_read()
    {
        using var folder = new TemporaryFolder();
        var tensors = Enumerable.Range(0, 66_000).Select(i => new TensorDeclaration($"t{i}", DType.UInt8, [i == 0 ? 5L << 30 : 1])).ToArray();
        using (var writer = CheckpointWriter.Create(folder["out.pth"], CheckpointFormat.Pth, tensors, sparse: true))
        {
            writer.WriteHole(5L << 30);
            writer.Write(Enumerable.Repeat((byte)9, 65_999).ToArray());
            writer.Commit();
        }

        using var checkpoint = Checkpoint.Open(folder["out.pth"]);
        checkpoint.Entries.Should().HaveCount(66_000);
        checkpoint.Entries[0].Storage.Bytes.Should().Be(5L << 30);
        NaiveBytes.Read(checkpoint, checkpoint.Entries[^1]).Should().Equal(9);
    }

    [Fact]
    public void Metadata_of_safetensors_comes_back()
    {
        using var folder = new TemporaryFolder();
        var metadata = new Dictionary<string, string> { ["format"] = "pt", ["ünï ✓"] = "\"quoted\"\n" };
        using (var writer = CheckpointWriter.Create(folder["out"], CheckpointFormat.Safetensors, [], metadata)) writer.Commit();

        using var checkpoint = Checkpoint.Open(folder["out"]);
        checkpoint.Metadata.Should().Equal(metadata);
        (BitConverter.ToInt64(File.ReadAllBytes(folder["out"])) % 8).Should().Be(0);
    }

    [Fact]
    public void The_same_tensors_give_the_same_bytes()
    {
        using var folder = new TemporaryFolder();
        WriteOne(folder["a"], CheckpointFormat.Pth, 5);
        WriteOne(folder["b"], CheckpointFormat.Pth, 5);
        File.ReadAllBytes(folder["a"]).Should().Equal(File.ReadAllBytes(folder["b"]));
    }

    private static TensorDeclaration Floats(string name, long count) => new(name, DType.Float32, [count]);

    private static TensorDeclaration[] Declarations(CheckpointFormat format) =>
    [
        .. DType.All.Where(d => format == CheckpointFormat.Safetensors ? d.SafetensorsName is not null : d.BitsPerElement >= 8)
            .Select(d => new TensorDeclaration("dtype." + d.Name, d, [2, 4])),
        Floats("scalar", 1) with { Shape = [] },
        Floats("empty", 0),
        Floats("zero-by-four", 0) with { Shape = [0, 4] },
        Floats("ünï ✓ \"quoted\" 😀", 3),
        Floats("", 1),
    ];

    private static byte[] Contents(TensorDeclaration tensor)
    {
        var bytes = new byte[tensor.ByteCount];
        new Random(tensor.Name.Length).NextBytes(bytes);
        return bytes;
    }

    private static void WriteOne(string path, CheckpointFormat format, byte value)
    {
        using var writer = CheckpointWriter.Create(path, format, [Floats("w", 1)]);
        writer.Write([value, 0, 0, 0]);
        writer.Commit();
    }

    private static byte FirstByteOf(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        return NaiveBytes.Read(checkpoint, checkpoint.Entries[0])[0];
    }

    private static long AllocatedBytes(string path)
    {
        using var du = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("du", ["-B1", path]) { RedirectStandardOutput = true })!;
        return long.Parse(du.StandardOutput.ReadToEnd().Split('\t')[0], System.Globalization.CultureInfo.InvariantCulture);
    }
}
