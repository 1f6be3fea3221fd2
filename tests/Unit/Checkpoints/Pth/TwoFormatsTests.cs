using System.Buffers.Binary;
using System.Text;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Legacy;
using static Loadline.Unit.Checkpoints.Pth.TinyPickle;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>Files that are one checkpoint to PyTorch and another to the readers of another format, and honest ones that only begin so.</summary>
public sealed class TwoFormatsTests
{
    private static readonly string Vector = Tensor(Storage("0", 4), 0, [4], [1]);

    [Theory]
    [InlineData("")]
    [InlineData("\u0080\u0063")] // a protocol that nobody has
    [InlineData("Nr\u00ff\u00ff\u00ff\u000f0")]
    [InlineData("Nq\u00010")]
    [InlineData("Np01\n0")]
    [InlineData("Nq\u0001h\u00010")]
    [InlineData("Nr\u00ff\u00ff\u00ff\u000fj\u00ff\u00ff\u00ff\u000f0")]
    [InlineData("Np\u00201\ng\u00201\n0")]
    [InlineData("ctorch.nn.parameter\nParameter\n]\u0081")]
    [InlineData("ccollections\nOrderedDict\n(K\u0001t\u0081")]
    [InlineData("ccopyreg\n_reconstructor\n(NNtR0")]
    [InlineData("C\u0001a\u00980")]
    [InlineData("I5\0abc\n0")]
    [InlineData("V\nNb")]
    [InlineData("cbuiltins\nobject\n)}p+0\n0g+0\n\u00920")]
    [InlineData("\u0080\u0004ctorch._tensor\ntorch.serialization.MAGIC_NUMBER\n.")]
    [InlineData("\u0082\u00010")]
    [InlineData("cm\nf\np+0\n0g+0\n)R0")]
    [InlineData("Np99999999999\n0")]
    [InlineData("S'\\a'\n0")]
    [InlineData("ctorch\nSize\n)R0")]
    [InlineData("I0x1950a86a20f9469cfc6c\n.")]
    [InlineData("I119547037146038801_333356\n.")]
    [InlineData("cbuiltins\nint\n(V119547037146038801333356\ntR.")]
    [InlineData("ctorch\nSize\n]R0")]
    [InlineData("]NaK\0Ns0")]
    [InlineData("cos\nsystem\n(S'id'\ntR0I5\n.")]
    [InlineData("\u0080\u0004cmath\n__name__\nVpi\n\u00930")]
    public void Safetensors_that_PyTorch_would_read_as_a_legacy_file_is_refused(string before) =>
        Refusal.Of(HiddenLegacy(before), CheckpointError.Malformed, "is a checkpoint of two formats at once");

    [Theory]
    [InlineData("V", "")]
    [InlineData("S'", "'")]
    public void The_same_behind_a_line_of_any_length(string before, string after) =>
        Refusal.Of(HiddenLegacy(before + new string('a', 100_000) + after + "\n0"), CheckpointError.Malformed, "is a checkpoint of two formats at once");

    // The length is c, a line break and zeros: a global of a module without a name, and then of a member that never ends. So is that of ( c, of \x88 c, and of ( i.
    [Theory]
    [InlineData(2659)]
    [InlineData(680_744)]
    [InlineData(680_840)]
    [InlineData(682_280)]
    public void A_length_that_begins_as_a_global_of_nobody_is_no_pickle(int headerBytes)
    {
        using var folder = new TemporaryFolder();
        var header = "{\"w\":{\"dtype\":\"U8\",\"shape\":[100000],\"data_offsets\":[0,100000]}}".PadRight(headerBytes);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, headerBytes);

        using var checkpoint = Checkpoint.Open(folder.Write("a.safetensors", [.. length, .. Encoding.ASCII.GetBytes(header), .. new byte[100_000]]));

        checkpoint.Entries.Should().ContainSingle();
    }

    // 99 is c, and the first name's length a line break.
    [Fact]
    public void A_dat_of_99_tensors_whose_first_name_has_ten_characters_is_written_and_read()
    {
        using var folder = new TemporaryFolder();
        TensorDeclaration[] tensors = [.. Enumerable.Range(0, 99).Select(i => new TensorDeclaration($"fc{i + 1}.weight", DType.Float32, [30_000]))];
        using (var writer = CheckpointWriter.Create(folder["m.dat"], CheckpointFormat.Dat, tensors))
        {
            foreach (var _ in tensors) writer.Write(new byte[120_000]);
            writer.Commit();
        }

        using var checkpoint = Checkpoint.Open(folder["m.dat"]);

        checkpoint.Entries.Should().HaveCount(99);
    }

    // The second module answers to names of any kind.
    [Theory]
    [InlineData("cos\n", "path.os.", 600, "path\n0")]
    [InlineData("cunittest.mock\ncall.a ", "b", 5_000, "\n0")]
    [InlineData("cunittest.mock\ncall.a ", "b", 100_000, "\n0")]
    [InlineData("Vunittest.mock\nVcall.{", "b", 5_000, "}\n\u00930")]
    public void The_same_behind_a_name_of_any_length(string before, string part, int count, string after) => Refusal.Of(
        HiddenLegacy("\u0080\u0004" + before + string.Concat(Enumerable.Repeat(part, count)) + after), CheckpointError.Malformed, "is a checkpoint of two formats at once");

    // Python computes these, however many digits they have, or has no limit in another version.
    [Theory]
    [InlineData("I", "1", 5_000, "")]
    [InlineData("L", "1", 5_000, "L")]
    [InlineData("L-", "1", 700, "")]
    [InlineData("I1", "_1", 5_000, "")]
    [InlineData("I0x", "1", 5_000, "")]
    [InlineData("I0x", "1", 100_000, "")]
    [InlineData("L\v\f\t ", "1", 5_000, "\r")]
    public void The_same_behind_a_number_of_any_length(string before, string digit, int count, string after) => Refusal.Of(
        HiddenLegacy(before + string.Concat(Enumerable.Repeat(digit, count)) + after + "\n0"), CheckpointError.Malformed, "is a checkpoint of two formats at once");

    [Fact]
    public void Looks_at_as_many_shards_as_there_may_be_are_no_reason_to_refuse_them()
    {
        using var folder = new TemporaryFolder();
        // A header of 128 bytes, which is the opcode of a protocol.
        var header = "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}".PadRight(128);
        using var file = SourceFile.Open(folder.Write("a.safetensors", [128, 0, 0, 0, 0, 0, 0, 0, .. Encoding.ASCII.GetBytes(header), 1, .. new byte[100_000]]), PositionedReads.OfTheKernel);

        for (var i = 0; i < 8192; i++) LegacyReader.IsHiddenIn(file).Should().BeFalse();
    }

    [Fact]
    public void A_look_for_a_pickle_ends_in_a_hole()
    {
        // A line without an end, in a file of 100 GiB that takes none.
        using var folder = new TemporaryFolder();
        using (var file = System.IO.File.Create(folder["a.safetensors"]))
        {
            var legacy = HiddenLegacy("Np");
            file.Write(legacy.AsSpan(0, legacy.Length - (int)new FileInfo(Fixtures.Path("gpt2-tiny-legacy.pth")).Length));
            file.SetLength(100 * ByteSize.GiB);
        }

        Refusal.Of(folder["a.safetensors"], CheckpointError.Malformed, "is a checkpoint of two formats at once");
    }

    [Fact]
    public void The_same_where_the_number_is_padded() =>
        Refusal.Of(HiddenLegacy("\u008b" + Int32(300) + "l\u00fc\u009cF\u00f9 j\u00a8P\u0019" + new string('\0', 290) + "."), CheckpointError.Malformed, "is a checkpoint of two formats at once");

    // I and a zero are the number 0 to Python's reader in C, which then passes over the rest of the line, and over brackets and braces.
    [Fact]
    public void The_same_behind_a_length_that_is_a_number()
    {
        var legacy = System.IO.File.ReadAllBytes(Fixtures.Path("gpt2-tiny-legacy.pth"));
        var header = $"{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{legacy.Length}],\"data_offsets\":[0,{legacy.Length}\n]}}}}";
        var file = new byte[8 + 'I' + legacy.Length];
        file[0] = (byte)'I';
        Encoding.ASCII.GetBytes("{" + header[1..].PadLeft('I' - 1)).CopyTo(file, 8);
        legacy.CopyTo(file, 8 + 'I');

        Refusal.Of(file, CheckpointError.Malformed, "is a checkpoint of two formats at once");
    }

    // Lengths that begin as a pickle of a number may, and are those of honest files: weights, and lengths that no file has, are no pickle.
    [Theory]
    [InlineData(0x58)]
    [InlineData(0x128)]
    [InlineData(0x8d28)]
    [InlineData(0x8d88)]
    [InlineData(0x8e28)]
    [InlineData(0x8e88)]
    [InlineData(0x9528)]
    [InlineData(0x9588)]
    [InlineData(0x9628)]
    [InlineData(0x9688)]
    [InlineData(0x1258)]
    [InlineData(0x9328)]
    [InlineData(0x9388)]
    [InlineData(0xd46)]
    [InlineData(0xd49)]
    [InlineData(0x20d4c)]
    public void Safetensors_of_any_length_are_no_pickle(int headerBytes)
    {
        using var folder = new TemporaryFolder();
        const int weightBytes = 600_000_000;
        var header = $"{{\"w\":{{\"dtype\":\"U8\",\"shape\":[{weightBytes}],\"data_offsets\":[0,{weightBytes}]}},";
        for (var i = 0; header.Length < headerBytes - 200; i++) header += $"\"model.layers.{i}.BTXVSp\":{{\"dtype\":\"BF16\",\"shape\":[0],\"data_offsets\":[0,0]}},";
        header = header.TrimEnd(',') + "}";
        using (var file = System.IO.File.Create(folder["a.safetensors"]))
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, headerBytes);
            file.Write(length);
            file.Write(Encoding.ASCII.GetBytes(header.PadRight(headerBytes)));
            file.SetLength(8 + headerBytes + weightBytes);
        }

        using var checkpoint = Checkpoint.Open(folder["a.safetensors"]);
        checkpoint.TryFind("w", out _).Should().BeTrue();
    }

    // Writers that do not pad a header leave it any length. A line ends somewhere in the weights.
    [Fact]
    public void Safetensors_whose_length_ends_in_any_byte_are_no_pickle()
    {
        using var folder = new TemporaryFolder();
        const int weights = 2000;
        var described = $"{{\"layer.0.weight\":{{\"dtype\":\"U8\",\"shape\":[{weights}],\"data_offsets\":[0,{weights}]}}}}";
        for (var length = 0x200; length < 0x400; length++)
        {
            var file = new byte[8 + length + weights];
            file[0] = (byte)length;
            file[1] = (byte)(length >> 8);
            Encoding.ASCII.GetBytes(described.PadRight(length)).CopyTo(file, 8);
            for (var i = 8 + length; i < file.Length; i++) file[i] = (byte)(i % 40 == 0 ? '\n' : 63);
            var path = folder.Write("a.safetensors", file);

            FluentActions.Invoking(() => Checkpoint.Open(path).Dispose()).Should().NotThrow($"{length:x}");
        }
    }

    [Theory]
    [InlineData('I')]
    [InlineData('L')]
    public void A_file_of_a_models_with_as_many_tensors_as_a_number_has_is_no_pickle(char count)
    {
        using var folder = new TemporaryFolder();
        var tensors = Enumerable.Range(0, count).Select(i => new TensorDeclaration($"layer.{i}.bias", DType.Float32, [i == 70 ? 10 : 8])).ToList();
        using (var writer = CheckpointWriter.Create(folder["a.dat"], CheckpointFormat.Dat, tensors))
        {
            writer.Write(new byte[tensors.Sum(t => t.ByteCount)]);
            writer.Commit();
        }

        using var checkpoint = Checkpoint.Open(folder["a.dat"]);
        checkpoint.Entries.Should().HaveCount(count);
    }

    private static byte[] HiddenLegacy(string before)
    {
        // X and a length, as a pickle has it: a text as far as byte 256, and behind it short ones, up to the legacy file.
        const int headerBytes = 0x58 + 0xfb * 256;
        byte[] legacy = [.. Encoding.Latin1.GetBytes(before), .. System.IO.File.ReadAllBytes(Fixtures.Path("gpt2-tiny-legacy.pth"))];
        var text = $"{{\"w\":{{\"dtype\":\"U8\",\"shape\":[{legacy.Length}],\"data_offsets\":[0,{legacy.Length}]}},\"__metadata__\":{{\"p\":\"";
        var header = text.PadRight(256 - 8, '.') + string.Concat(Enumerable.Repeat("U~" + new string('.', 126), 500)) + "U^" + new string('.', 91) + "\"}}";
        var file = new byte[8 + headerBytes + legacy.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, headerBytes);
        Encoding.ASCII.GetBytes(header).CopyTo(file, 8);
        legacy.CopyTo(file, 8 + headerBytes);
        return file;
    }

    [Fact]
    public void An_archive_that_safetensors_reads_behind_many_blanks_is_refused()
    {
        // PK 3 4 and zeros are a length to safetensors, whose readers pass over any number of blanks.
        using var folder = new TemporaryFolder();
        using (var file = System.IO.File.Create(folder["a.pth"]))
        {
            file.Write("PK\u0003\u0004\0\0\0\0"u8);
            file.Write(Encoding.ASCII.GetBytes(new string(' ', 1000) + "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"));
            file.SetLength(8 + 0x04034b50);
            file.Position = file.Length;
            file.Write(TinyArchive.Of(Dict(Text("w"), Vector)));
        }

        Refusal.Of(folder["a.pth"], CheckpointError.Malformed, "is a checkpoint of two formats at once");
    }
}
