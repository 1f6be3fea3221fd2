using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Unit.Tensors;

/// <summary>What was loaded and changed can be saved again.</summary>
public sealed class SavingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("model.pth")]
    [InlineData("model.bin")]
    [InlineData("model.dat")]
    public void What_is_saved_is_what_was_there(string name)
    {
        using var model = Loader.Load(Fixtures.Path("gpt2-tiny.pth"));
        model["out_head.weight"].AsSpan<float>()[0] = 17;

        model.Save(_folder[name], cancellation: TestContext.Current.CancellationToken);

        using var saved = Loader.Load(_folder[name]);
        saved.Keys.Should().Equal(model.Keys);
        foreach (var (tensor, expected) in model) Bytes(saved[tensor]).Should().Equal(Bytes(expected), tensor);
        saved["out_head.weight"].AsSpan<float>()[0].Should().Be(17);
    }

    [Theory]
    [InlineData(CheckpointFormat.Sharded)]
    [InlineData(CheckpointFormat.PerTensor)]
    public void Into_a_folder_where_the_format_is_one(CheckpointFormat format)
    {
        using var model = Loader.Load(Fixtures.Path("gpt2-tiny.pth"));
        model.Save(_folder["model"], format, cancellation: TestContext.Current.CancellationToken);

        using var saved = Loader.Load(_folder["model"]);
        foreach (var (tensor, expected) in model) Bytes(saved[tensor]).Should().Equal(Bytes(expected), tensor);
    }

    [Fact]
    public void Over_the_very_file_that_it_is_mapped_from()
    {
        var path = _folder.CopyOf(Fixtures.Path("gpt2-tiny.safetensors"));
        using var model = Loader.Load(path);
        model["out_head.weight"].AsSpan<float>()[0] = 17;

        model.Save(path, cancellation: TestContext.Current.CancellationToken);

        using var saved = Loader.Load(path);
        foreach (var (tensor, expected) in model) Bytes(saved[tensor]).Should().Equal(Bytes(expected), tensor);
    }

    [Fact]
    public void Tied_weights_stay_tied_where_the_format_knows_that()
    {
        using var model = Tied();

        model.Save(_folder["saved.pth"], cancellation: TestContext.Current.CancellationToken);

        using var saved = Loader.Load(_folder["saved.pth"]);
        saved["b"].Storage.Should().BeSameAs(saved["a"].Storage);
        Bytes(saved["b"]).Should().Equal(1, 0, 0, 0, 2, 0, 0, 0);
    }

    [Fact]
    public void Else_each_name_has_its_own()
    {
        using var model = Tied();

        model.Save(_folder["saved.safetensors"], cancellation: TestContext.Current.CancellationToken);

        using var saved = Checkpoint.Open(_folder["saved.safetensors"]);
        saved.Entries.Select(e => e.Storage).Distinct().Should().HaveCount(2);
        saved.Metadata.Should().Contain("format", "pt");
    }

    [Fact]
    public void Nothing_stands_under_the_name_of_what_cannot_be_saved()
    {
        using var model = Loader.Load(Fixtures.Path("gpt2-tiny.pth"), new LoadOptions { Strategy = "streamed", Device = Device.Sim(ByteSize.GiB) });
        FluentActions.Invoking(() => model.Save(_folder["saved.pth"])).Should().Throw<InvalidOperationException>().WithMessage("*is on sim*keeps none*");

        using var mapped = Loader.Load(Fixtures.Path("gpt2-tiny.pth"));
        FluentActions.Invoking(() => mapped.Save(_folder["saved.onnx"], cancellation: TestContext.Current.CancellationToken)).Should().Throw<ArgumentException>().WithMessage("*.onnx*");
        FluentActions.Invoking(() => mapped.Save(_folder["saved.pth"], cancellation: new CancellationToken(canceled: true))).Should().Throw<OperationCanceledException>();

        _folder.Names.Should().BeEmpty();
    }

    public void Dispose() => _folder.Dispose();

    private static byte[] Bytes(Tensor tensor)
    {
        var bytes = new byte[tensor.ElementCount * tensor.DType.BytesPerElement];
        tensor.CopyTo<byte>(bytes);
        return bytes;
    }

    private Model Tied()
    {
        using (var writer = CheckpointWriter.Create(_folder["tied.pth"], CheckpointFormat.Pth, [new("a", DType.Int32, [2]), new("b", DType.Int32, [2], SharesWith: "a")]))
        {
            writer.Write([1, 0, 0, 0, 2, 0, 0, 0]);
            writer.Commit();
        }

        return Loader.Load(_folder["tied.pth"]);
    }
}
