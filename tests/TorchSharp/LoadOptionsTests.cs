using System.Collections.Concurrent;
using System.IO.Compression;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Selection;
using Loadline.Examples;
using Loadline.Strategies;
using Loadline.Strategies.TorchSharp;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>What can be asked of a load, and what it says of itself.</summary>
public sealed class LoadOptionsTests : IDisposable
{
    private static readonly string TinyPath = Fixtures.Path("gpt2-tiny.pth");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_load_says_what_it_did()
    {
        using var module = Skeleton.Build(NewTiny);
        var weightBytes = module.state_dict().Values.Sum(t => t.numel() * t.element_size());

        var mapped = module.LoadWeights(TinyPath);
        (mapped.Strategy, mapped.Bytes, mapped.MappedBytes).Should().Be(("mmap-assign", weightBytes, weightBytes));
        mapped.Mapped.Should().BeEquivalentTo(module.state_dict().Keys);
        mapped.Seconds.Should().BePositive();

        var read = module.LoadWeights(TinyPath, "streamed");
        (read.Strategy, read.Bytes, read.MappedBytes, read.Mapped.Count).Should().Be(("streamed", weightBytes, 0, 0));
    }

    [Fact]
    public void A_compressed_checkpoint_is_read_by_default()
    {
        using var module = Skeleton.Build(NewTiny);

        module.LoadWeights(Deflated()).Strategy.Should().NotBe("mmap-assign");

        using var scope = torch.NewDisposeScope();
        RecordedLogits.ShouldBe(module.forward(torch.tensor(new long[,] { { 1, 2, 3 } })));
    }

    [Fact]
    public void Weights_of_ones_own_are_no_pages_of_the_file()
    {
        var path = _folder.CopyOf(TinyPath);
        using var module = Skeleton.Build(NewTiny);

        module.LoadWeights(path, options: new ModuleLoadOptions { Own = true }).MappedBytes.Should().Be(0);

        Memory.Mappings(path).Should().BeEmpty();
        FluentActions.Invoking(() => module.LoadWeights(path, "mmap-assign", options: new ModuleLoadOptions { Own = true })).Should().Throw<ArgumentException>().WithMessage("mmap-assign maps the file*use streamed");
    }

    [Fact]
    public void A_module_that_is_gone_or_none_is_refused_as_that()
    {
        using var scope = torch.NewDisposeScope();
        var module = NewTiny();
        module.Dispose();

        FluentActions.Invoking(() => module.LoadWeights(TinyPath)).Should().Throw<ObjectDisposedException>().WithMessage("module Gpt2 was disposed*");
        FluentActions.Invoking(() => ((torch.nn.Module)null!).LoadWeights(TinyPath)).Should().Throw<ArgumentNullException>().WithParameterName("module");
        FluentActions.Invoking(() => ((torch.nn.Module)null!).SaveWeights(_folder["none.pth"])).Should().Throw<ArgumentNullException>().WithParameterName("module");
    }

    [Fact]
    public void Names_are_stripped_renamed_and_put_deeper()
    {
        using var scope = torch.NewDisposeScope();
        using var saved = torch.nn.Linear(3, 2);
        saved.SaveWeights(_folder["linear.safetensors"]);
        using var wrapped = torch.nn.Sequential(("module", torch.nn.Sequential(("fc", torch.nn.Linear(3, 2)))));

        wrapped.LoadWeights(_folder["linear.safetensors"], options: new ModuleLoadOptions { AddPrefix = "module.fc." });
        Memory.Bytes(wrapped.state_dict()["module.fc.weight"]).Should().Equal(Memory.Bytes(saved.weight));
        wrapped.LoadWeights(_folder["linear.safetensors"], options: new ModuleLoadOptions { AddPrefix = "module.fc" }).Missing.Should().BeEmpty();

        wrapped.SaveWeights(_folder["wrapped.safetensors"]);
        using var linear = torch.nn.Linear(3, 2);
        foreach (var options in (ModuleLoadOptions[])
        [
            new() { Names = new EntrySelection { Strip = "module.fc." } },
            new() { Names = new EntrySelection { Strip = EntrySelection.Auto } },
            new() { Names = new EntrySelection { Rename = ["module.fc.*=*"] } },
            new() { Key = "module.fc" },
            new() { Key = "module.fc." },
            new() { Rename = name => name.Split('.')[^1] },
        ])
        {
            linear.LoadWeights(_folder["wrapped.safetensors"], options: options).Missing.Should().BeEmpty();
            Memory.Bytes(linear.bias!).Should().Equal(Memory.Bytes(saved.bias!));
            using (torch.no_grad()) linear.bias!.zero_();
        }
    }

    [Fact]
    public void A_sub_tree_that_is_not_there_is_refused()
    {
        using var module = Skeleton.Build(NewTiny);

        FluentActions.Invoking(() => module.LoadWeights(TinyPath, options: new ModuleLoadOptions { Key = "model" })).Should().Throw<CheckpointException>()
            .WithMessage("*has nothing below 'model': its names begin with *");
    }

    [Fact]
    public void One_block_of_a_model_is_loaded_from_the_whole_models_file()
    {
        using var block = new Block(24, 4, 16);

        block.LoadWeights(TinyPath, options: new ModuleLoadOptions { Key = "trf_blocks.1" }).Unexpected.Should().BeEmpty();

        using var whole = Skeleton.Build(NewTiny);
        whole.LoadWeights(TinyPath);
        foreach (var (name, tensor) in block.state_dict()) Memory.Bytes(tensor).Should().Equal(Memory.Bytes(whole.state_dict()[$"trf_blocks.1.{name}"]), name);
    }

    [Fact]
    public void What_is_ignored_may_have_any_shape_and_stays_what_it_is()
    {
        using var module = new Gpt2(vocabulary: 98, context: 16, width: 24, heads: 4, layers: 3);
        var head = Memory.Bytes(module.state_dict()["out_head.weight"]);

        var load = module.LoadWeights(TinyPath, options: new ModuleLoadOptions { Ignore = ["out_head.*", "tok_emb.*"] });

        load.Missing.Should().BeEmpty();
        Memory.Bytes(module.state_dict()["out_head.weight"]).Should().Equal(head);
        Memory.IsMapped(module.state_dict()["pos_emb.weight"], TinyPath).Should().BeTrue();

        var included = module.LoadWeights(TinyPath, options: new ModuleLoadOptions { Include = ["trf_blocks.0.*"] });
        included.Mapped.Should().OnlyContain(name => name.StartsWith("trf_blocks.0."));
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("streamed")]
    public void The_modules_dtype_is_kept_where_that_is_asked_for(string strategy)
    {
        using var scope = torch.NewDisposeScope();
        using var saved = torch.nn.Sequential(("a", torch.nn.Linear(3, 2)), ("b", torch.nn.Linear(2, 2)));
        saved.SaveWeights(_folder["saved.safetensors"]);
        using var module = torch.nn.Sequential(("a", torch.nn.Linear(3, 2, dtype: torch.bfloat16)), ("b", torch.nn.Linear(2, 2)));

        var load = module.LoadWeights(_folder["saved.safetensors"], strategy, options: new ModuleLoadOptions { KeepDType = true });

        Memory.Bytes(module.state_dict()["a.weight"]).Should().Equal(Memory.Bytes(saved.state_dict()["a.weight"].to(torch.bfloat16)));
        Memory.Bytes(module.state_dict()["b.weight"]).Should().Equal(Memory.Bytes(saved.state_dict()["b.weight"]));
        load.Mapped.Should().Equal(strategy == "auto" ? ["b.weight", "b.bias"] : []);
    }

    [Fact]
    public void Progress_goes_from_nothing_to_everything_and_names_tensors()
    {
        var path = Large();
        using var linear = Skeleton.Build(() => torch.nn.Linear(2048, 4096, hasBias: false));
        var told = new ConcurrentQueue<LoadProgress>();

        var load = linear.LoadWeights(path, "streamed", options: new ModuleLoadOptions { Progress = new Told(told) });

        told.Select(p => p.Bytes).Should().BeInAscendingOrder();
        told.First().Bytes.Should().Be(0);
        told.Last().Bytes.Should().Be(load.Bytes);
        told.Should().OnlyContain(p => p.TotalBytes == load.Bytes);
        told.Select(p => p.Tensor).Should().Contain("weight");
    }

    [Fact]
    public async Task One_that_is_cancelled_half_way_leaves_the_module_as_it_was()
    {
        var path = Large();
        using var linear = torch.nn.Linear(2048, 4096, hasBias: false);
        var (before, address) = (linear.weight[0, 0].item<float>(), Memory.Address(linear.weight));
        using var cancel = new CancellationTokenSource();
        var options = new ModuleLoadOptions { Readers = 1, Progress = new Cancelling(cancel) };

        await FluentActions.Awaiting(() => linear.LoadWeightsAsync(path, "streamed", options: options, cancellation: cancel.Token)).Should().ThrowAsync<OperationCanceledException>();

        (linear.weight[0, 0].item<float>(), Memory.Address(linear.weight)).Should().Be((before, address));
        (await linear.LoadWeightsAsync(path)).Strategy.Should().Be("mmap-assign");
    }

    [Theory]
    [InlineData("gpt2-tiny.pth")]
    [InlineData("gpt2-tiny.safetensors")]
    [InlineData("gpt2-tiny-legacy.pth")]
    public void A_stream_that_can_seek_is_loaded_from(string fixture)
    {
        using var stream = new MemoryStream(File.ReadAllBytes(Fixtures.Path(fixture)));
        using var module = Skeleton.Build(NewTiny);

        module.LoadWeights(stream).MappedBytes.Should().Be(0);

        using var scope = torch.NewDisposeScope();
        RecordedLogits.ShouldBe(module.forward(torch.tensor(new long[,] { { 1, 2, 3 } })));
        stream.CanRead.Should().BeTrue("it stays open");
    }

    [Fact]
    public void A_stream_that_cannot_seek_is_refused()
    {
        using var deflate = new DeflateStream(new MemoryStream([1]), CompressionMode.Decompress);
        using var module = torch.nn.Linear(1, 1);

        FluentActions.Invoking(() => module.LoadWeights(deflate)).Should().Throw<ArgumentException>().WithMessage("*can seek*");
    }

    [Fact]
    public void A_device_map_goes_by_the_longest_name_that_fits()
    {
        var devices = new ModuleDevices(null, new Dictionary<string, torch.Device> { [""] = torch.CPU, ["trf_blocks"] = new("cuda:0"), ["trf_blocks.1.att"] = new("cuda:1") });

        devices.Of("tok_emb.weight").type.Should().Be(DeviceType.CPU);
        devices.Of("trf_blocks.0.ff.layers.0.weight").index.Should().Be(0);
        devices.Of("trf_blocks.1.att.mask").index.Should().Be(1);
        devices.Of("trf_blocks2.weight").type.Should().Be(DeviceType.CPU);
    }

    [Fact]
    public void A_device_map_that_names_what_is_not_there_is_refused()
    {
        using var module = Skeleton.Build(NewTiny);
        var options = new ModuleLoadOptions { DeviceMap = new Dictionary<string, torch.Device> { ["blocks.0"] = torch.CPU } };

        FluentActions.Invoking(() => module.LoadWeights(TinyPath, options: options)).Should().Throw<ArgumentException>().WithMessage("the device map names 'blocks.0'*");
    }

    [Fact]
    public void TorchSharp_is_told_what_its_calls_ask_for_and_of_a_module_in_several_places_what_none_does()
    {
        ModuleDevices.Told([(DeviceType.CPU, -1), (DeviceType.CPU, -1)]).Should().Be((DeviceType.CPU, -1), "cpu()");
        ModuleDevices.Told([(DeviceType.CUDA, 0)]).Should().Be((DeviceType.CUDA, -1), "cuda()");
        ModuleDevices.Told([(DeviceType.CUDA, 1)]).Should().Be((DeviceType.CUDA, 1), "cuda(1)");
        ModuleDevices.Told([(DeviceType.CUDA, 0), (DeviceType.CUDA, 1)]).Should().Be((DeviceType.CPU, 0));
        ModuleDevices.Told([(DeviceType.CPU, -1), (DeviceType.CUDA, 0)]).Should().Be((DeviceType.CPU, 0));
    }

    private static Gpt2 NewTiny() => new(vocabulary: 97, context: 16, width: 24, heads: 4, layers: 3);

    private string Large()
    {
        using var saved = torch.nn.Linear(2048, 4096, hasBias: false);
        saved.SaveWeights(_folder["large.safetensors"]);
        return _folder["large.safetensors"];
    }

    private string Deflated()
    {
        var path = _folder["deflated.pth"];
        using var source = ZipFile.OpenRead(TinyPath);
        using var target = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach (var entry in source.Entries)
        {
            using var from = entry.Open();
            using var to = target.CreateEntry(entry.FullName, CompressionLevel.Optimal).Open();
            from.CopyTo(to);
        }

        return path;
    }

    private sealed class Told(ConcurrentQueue<LoadProgress> told) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => told.Enqueue(value);
    }

    private sealed class Cancelling(CancellationTokenSource cancel) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            if (value.Bytes > 0) cancel.Cancel();
        }
    }
}
