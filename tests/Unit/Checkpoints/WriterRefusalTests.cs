using Loadline.Checkpoints;
using Loadline.Checkpoints.Files;
using Loadline.Checkpoints.Formats;

namespace Loadline.Unit.Checkpoints;

public sealed class WriterRefusalTests
{
    private static readonly TensorDeclaration W = new("w", DType.Float32, [4]);

    [Theory]
    [InlineData(CheckpointFormat.Safetensors)]
    [InlineData(CheckpointFormat.PerTensor)]
    public void A_tie_that_the_format_cannot_express_is_refused_with_both_names(CheckpointFormat format) =>
        Refused(format, [W, W with { Name = "v", SharesWith = "w" }], CheckpointError.Unsupported, "tensor 'v' shares its bytes with 'w'", "write pth");

    [Fact]
    public void A_tie_to_a_tensor_that_comes_later_is_refused() =>
        Refused(CheckpointFormat.Pth, [W with { Name = "v", SharesWith = "w" }, W], CheckpointError.Malformed, "tensor 'v' shares with 'w'", "not declared before");

    [Fact]
    public void A_tie_of_another_size_is_refused() =>
        Refused(CheckpointFormat.Pth, [W, new("v", DType.Float32, [5], "w")], CheckpointError.Malformed, "20 bytes", "16 bytes");

    [Fact]
    public void A_tie_of_another_dtype_is_refused() =>
        Refused(CheckpointFormat.Pth, [W, new("v", DType.Int32, [4], "w")], CheckpointError.Malformed, "int32", "float32");

    [Theory]
    [InlineData(CheckpointFormat.Safetensors)]
    [InlineData(CheckpointFormat.Sharded)]
    public void An_empty_tensor_whose_other_sizes_are_too_many_for_its_readers_is_refused(CheckpointFormat format)
    {
        Refused(format, [W, new("v", DType.Float32, [1L << 62, 1L << 62, 0])], CheckpointError.Unsupported, "tensor 'v' is empty");
        Refused(format, [new("v", DType.Float32, [1L << 62, 4, 0])], CheckpointError.Unsupported, "tensor 'v' is empty");
    }

    [Theory]
    [InlineData("a.distcp")]
    [InlineData(".metadata")]
    // A dat of 123 tensors begins with the character that an index does.
    [InlineData("model.safetensors.index.json")]
    [InlineData("pytorch_model.bin.index.fp16.json")]
    public void A_name_by_which_a_file_is_another_whatever_it_holds_is_refused(string name)
    {
        using var folder = new TemporaryFolder();

        FluentActions.Invoking(() => CheckpointWriter.Create(folder[name], CheckpointFormat.Pth, [W])).Should().Throw<IOException>().WithMessage("*: is the name of a*");
        FluentActions.Invoking(() => CheckpointWriter.Create(folder[name] + "/", CheckpointFormat.Pth, [W])).Should().Throw<IOException>().WithMessage("*: ends in a slash, *");
    }

    [Fact]
    public void Of_what_cannot_be_read_nobody_says_that_it_is()
    {
        using var folder = new TemporaryFolder();

        FluentActions.Invoking(() => FileFormats.WhyNotRead(folder.Path)).Should().Throw<CheckpointException>().Which.Error.Should().Be(CheckpointError.Unreadable);
        FileFormats.WhyNotRead(folder["gone"]).Should().BeNull();
    }

    [Fact]
    public void A_folder_without_files_is_no_checkpoint() => Refused(CheckpointFormat.PerTensor, [], CheckpointError.Unsupported, "would have no tensor");

    // A control character is one byte here, and six in a header.
    [Theory]
    [InlineData(CheckpointFormat.Safetensors, 1, 11_000, "a name of 66000 bytes is longer than the limit of 65536")]
    [InlineData(CheckpointFormat.Sharded, 1, 11_000, "a name of 66000 bytes is longer than the limit of 65536")]
    [InlineData(CheckpointFormat.Pth, 75_000, 1, "describes more values than its descriptions need")]
    public void What_would_not_be_read_again_replaces_nothing(CheckpointFormat format, int tensors, int characters, string problem)
    {
        using var folder = new TemporaryFolder();
        Write([new("w", DType.UInt8, [1])]);

        TensorDeclaration[] declared = [.. Enumerable.Range(0, tensors).Select(i => new TensorDeclaration(tensors > 1 ? $"{i}" : new string('\u0001', characters), DType.UInt8, [1]))];
        FluentActions.Invoking(() => Write(declared)).Should().Throw<CheckpointException>().WithMessage($"{folder["old"]}: would not be read again: *{problem}*");

        using var old = Checkpoint.Open(folder["old"]);
        old.Entries.Should().ContainSingle();
        Directory.GetFileSystemEntries(folder.Path).Should().ContainSingle();

        void Write(TensorDeclaration[] declared)
        {
            using var writer = CheckpointWriter.Create(folder["old"], format, declared);
            writer.Write(new byte[declared.Length]);
            writer.Commit();
        }
    }

    [Theory]
    [InlineData(CheckpointFormat.Pth)]
    [InlineData(CheckpointFormat.Safetensors)]
    [InlineData(CheckpointFormat.PerTensor)]
    public void A_name_that_comes_twice_is_refused(CheckpointFormat format) => Refused(format, [W, W], CheckpointError.Malformed, "tensor 'w' is declared twice");

    [Fact]
    public void Half_a_surrogate_pair_is_refused_whatever_else_the_name_has()
    {
        // An attribute could not hold them.
        foreach (var name in (ReadOnlySpan<string>)["\ud800", "\udc00a", "\ufffd\ud800", "😀\ude00"])
            Refused(CheckpointFormat.Pth, [W with { Name = name }], CheckpointError.Unsupported, "half a surrogate pair");
    }

    [Fact]
    public void An_index_that_readers_would_not_take_is_refused()
    {
        // Names that are six times as long in JSON.
        var tensors = Enumerable.Range(0, 9000).Select(i => new TensorDeclaration(new string('\u0001', 1000) + i, DType.UInt8, [1]));
        Refused(CheckpointFormat.Sharded, [.. tensors], CheckpointError.LimitExceeded, "would have an index of");
    }

    [Fact]
    public void A_dtype_that_safetensors_lacks_is_refused() =>
        Refused(CheckpointFormat.Safetensors, [new("w", DType.Complex128, [1])], CheckpointError.Unsupported, "complex128", "write pth");

    [Fact]
    public void A_dtype_that_PyTorch_lacks_is_refused() =>
        Refused(CheckpointFormat.Pth, [new("w", DType.Float4, [2])], CheckpointError.Unsupported, "float4_e2m1", "write safetensors");

    [Fact]
    public void A_tensor_that_ends_inside_a_byte_is_refused() =>
        Refused(CheckpointFormat.Safetensors, [new("w", DType.Float4, [3])], CheckpointError.Unsupported, "ends inside a byte");

    [Fact]
    public void The_name_of_safetensors_metadata_is_refused() =>
        Refused(CheckpointFormat.Safetensors, [W with { Name = "__metadata__" }], CheckpointError.Unsupported, "keeps for metadata");

    [Theory]
    [InlineData("../escape")]
    [InlineData("a\0b")]
    public void A_name_that_is_no_file_name_is_refused(string name) =>
        Refused(CheckpointFormat.PerTensor, [W with { Name = name }], CheckpointError.Unsupported, "no file can have");

    [Fact]
    public void A_name_too_long_for_a_file_is_refused() =>
        Refused(CheckpointFormat.PerTensor, [W with { Name = new string('x', 253) }], CheckpointError.Unsupported, "256 bytes");

    [Fact]
    public void Half_a_surrogate_pair_is_refused() =>
        Refused(CheckpointFormat.Pth, [W with { Name = "\ud800" }], CheckpointError.Unsupported, "surrogate");

    [Fact]
    public void A_disk_that_is_too_small_is_refused_before_the_first_byte_with_needed_and_free()
    {
        using var folder = new TemporaryFolder();
        FluentActions.Invoking(() => CheckpointWriter.Create(folder["out"], CheckpointFormat.Pth, [new("w", DType.UInt8, [1L << 60])]))
            .Should().Throw<IOException>().Which.Message.Should().StartWith(folder["out"]).And.MatchRegex("the disk is full: 1048576 TiB needed, .* free");
        folder.Names.Should().BeEmpty();
    }

    [Theory]
    [InlineData(CheckpointFormat.Pth)]
    [InlineData(CheckpointFormat.Safetensors)]
    public void A_folder_under_the_name_of_a_file_is_refused(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        FluentActions.Invoking(() => CheckpointWriter.Create(folder.Path, format, [W])).Should().Throw<IOException>().Which.Message.Should().Contain("is a folder");
    }

    [Theory]
    [InlineData(CheckpointFormat.Pth)]
    [InlineData(CheckpointFormat.Safetensors)]
    public void A_folder_that_is_not_there_is_refused_in_one_line(CheckpointFormat format) =>
        FluentActions.Invoking(() => CheckpointWriter.Create("/nowhere/out", format, [W])).Should().Throw<IOException>()
            .Which.Message.Should().StartWith("/nowhere/out: cannot be written").And.NotContain("\n");

    [Fact]
    public void What_has_no_size_is_no_full_disk() =>
        FluentActions.Invoking(() => CheckpointWriter.Create("/proc/out", CheckpointFormat.Pth, [W])).Should().Throw<IOException>()
            .Which.Message.Should().StartWith("/proc/out: cannot be written").And.NotContain("\n");

    [Fact]
    public void A_folder_with_other_files_is_not_replaced()
    {
        using var folder = new TemporaryFolder();
        folder.Write("thesis.tex", "x"u8);
        FluentActions.Invoking(() => CheckpointWriter.Create(folder.Path, CheckpointFormat.PerTensor, [W])).Should().Throw<IOException>()
            .Which.Message.Should().Contain("holds more than .pt files: thesis.tex");
        folder.Names.Should().Equal("thesis.tex");
    }

    [Fact]
    public void A_disk_that_fills_up_while_writing_is_one_line_with_needed_and_free()
    {
        // /dev/full is the one full disk that every Linux has.
        using var folder = new TemporaryFolder();
        using var output = new OutputFile(File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write), folder["out"], 3 << 20);
        FluentActions.Invoking(() => output.Write(new byte[1 << 20])).Should().Throw<IOException>()
            .Which.Message.Should().StartWith(folder["out"]).And.MatchRegex("the disk is full: 3 MiB needed, .* free");
    }

    [Fact]
    public void What_no_caller_can_mean_is_an_error_of_the_arguments()
    {
        using var folder = new TemporaryFolder();
        Action[] wrong =
        [
            () => CheckpointWriter.Create(folder["out"], CheckpointFormat.Sharded, [W], shardBytes: 0),
            () => CheckpointWriter.Create(folder["out"], (CheckpointFormat)99, [W]),
            () => CheckpointWriter.Create(folder["out"], CheckpointFormat.Pth, null!),
            () => CheckpointWriter.Create(folder["out"], CheckpointFormat.Pth, [null!]),
            () => CheckpointWriter.Create(folder["out"], CheckpointFormat.Pth, [W with { Name = null! }]),
            () => CheckpointWriter.Create(folder["out"], CheckpointFormat.Safetensors, [W], new Dictionary<string, string> { ["k"] = null! }),
        ];

        foreach (var create in wrong) create.Should().Throw<ArgumentException>();
        folder.Names.Should().BeEmpty();
    }

    private static void Refused(CheckpointFormat format, TensorDeclaration[] tensors, CheckpointError error, params string[] says)
    {
        using var folder = new TemporaryFolder();
        var refusal = FluentActions.Invoking(() => CheckpointWriter.Create(folder["out"], format, tensors)).Should().Throw<CheckpointException>().Which;
        refusal.Error.Should().Be(error, refusal.Message);
        refusal.Message.Should().StartWith(folder["out"]).And.ContainAll(says);
        folder.Names.Should().BeEmpty();
    }
}
