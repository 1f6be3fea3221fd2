using Loadline.Checkpoints;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Strategies.TorchSharp;
using TorchSharp;

namespace Loadline.TorchSharpTests;

/// <summary>Modules that compute in native code: what they compute must change, not only what their parameters show.</summary>
public class NativeModulesTests
{
    public static TheoryData<string> Strategies => new(StrategyCatalog.All.Select(s => s.Name));

    [Theory]
    [MemberData(nameof(Strategies))]
    public void An_embedding_looks_up_what_was_loaded(string strategy)
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        using var saved = torch.nn.Embedding(5, 3);
        saved.save(folder["saved.dat"]);
        var rows = torch.tensor(new long[] { 4, 0 });

        foreach (var embedding in (TorchSharp.Modules.Embedding[])[torch.nn.Embedding(5, 3), Skeleton.Embedding(5, 3)])
        {
            embedding.LoadWeights(folder["saved.dat"], strategy);
            Memory.Bytes(embedding.forward(rows)).Should().Equal(Memory.Bytes(saved.forward(rows)));

            embedding.LoadWeights(folder["saved.dat"], strategy, options: new ModuleLoadOptions { DType = DType.BFloat16 });
            Memory.Bytes(embedding.forward(rows)).Should().Equal(Memory.Bytes(saved.forward(rows).to(torch.ScalarType.BFloat16)));
            embedding.Dispose();
        }
    }

    [Fact]
    public void A_GPU_that_is_not_there_is_refused_before_anything_is_changed()
    {
        Assert.SkipWhen(torch.cuda.is_available(), "there is a GPU");
        using var folder = new TemporaryFolder();
        using var embedding = torch.nn.Embedding(5, 3);
        embedding.save(folder["saved.dat"]);
        var before = Memory.Bytes(embedding.weight!);

        FluentActions.Invoking(() => embedding.LoadWeights(folder["saved.dat"], device: new torch.Device(DeviceType.CUDA, 0))).Should().Throw<InvalidOperationException>()
            .WithMessage("weights cannot be loaded onto cuda:0: CUDA is not available here");

        Memory.Bytes(embedding.weight!).Should().Equal(before);
        embedding.LoadWeights(folder["saved.dat"]).Missing.Should().BeEmpty();
    }

    [Fact]
    public void What_a_failed_load_left_without_values_has_its_shape_again()
    {
        using var embedding = torch.nn.Embedding(5, 3);
        using var noGrad = torch.no_grad();
        var slot = Slot.Of(embedding).Single();
        using var nothing = torch.empty(0);
        slot.Tensor.set_(nothing);

        NativeModules.GiveShapes([(slot, [5, 3])]);

        embedding.weight!.shape.Should().Equal(5, 3);
        embedding.weight.isnan().all().item<bool>().Should().BeTrue();
    }

    [Fact]
    public void A_module_whose_memory_was_given_back_can_give_it_back_again()
    {
        using var folder = new TemporaryFolder();
        using var linear = torch.nn.Linear(5, 3);
        linear.save(folder["saved.dat"]);
        linear.to(DeviceType.META);

        linear.LoadWeights(folder["saved.dat"]);
        linear.to(DeviceType.META);

        linear.weight.device_type.Should().Be(DeviceType.META);
    }

    [Fact]
    public void An_embedding_without_weights_takes_none_of_another_shape()
    {
        using var folder = new TemporaryFolder();
        using (var saved = torch.nn.Embedding(5, 3)) saved.save(folder["saved.dat"]);
        using var embedding = Skeleton.Embedding(6, 3);

        FluentActions.Invoking(() => embedding.LoadWeights(folder["saved.dat"])).Should().Throw<CheckpointException>().WithMessage("*has shape *5, 3*expects *6, 3*");
    }

    [Theory]
    [InlineData("mmap-assign")]
    [InlineData("streamed")]
    public void Recurrent_layers_and_attention_compute_with_what_was_loaded(string strategy)
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.randn(2, 3, 4);
        Check(() => torch.nn.LSTM(4, 6, numLayers: 2), lstm => lstm.call(x).Item1);
        Check(() => torch.nn.GRU(4, 6), gru => gru.call(x).Item1);
        Check(() => torch.nn.MultiheadAttention(4, 2), attention => attention.call(x, x, x).Item1);
        Check(() => torch.nn.EmbeddingBag(5, 4), bag => bag.call(torch.tensor(new long[,] { { 4, 1 } })));
        Check(() => torch.nn.TransformerEncoderLayer(4, 2, dim_feedforward: 8, dropout: 0), layer => layer.call(x));

        void Check<T>(Func<T> construct, Func<T, torch.Tensor> run)
            where T : torch.nn.Module
        {
            using var folder = new TemporaryFolder();
            var path = folder["saved.dat"];
            using var saved = construct();
            using var module = construct();
            saved.save(path);
            Memory.Bytes(run(module)).Should().NotEqual(Memory.Bytes(run(saved)));

            module.LoadWeights(path, strategy);

            Memory.Bytes(run(module)).Should().Equal(Memory.Bytes(run(saved)), typeof(T).Name);
            module.parameters().Should().OnlyContain(p => Memory.IsMapped(p, path) == (strategy == "mmap-assign"));
        }
    }

    [Fact]
    public void One_that_lost_its_memory_to_the_meta_device_gets_it_back()
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        using var saved = torch.nn.Embedding(5, 3);
        saved.save(folder["saved.dat"]);
        using var embedding = torch.nn.Embedding(5, 3);
        embedding.weight = new TorchSharp.Modules.Parameter(torch.empty(5, 3, device: torch.META));

        embedding.LoadWeights(folder["saved.dat"]);

        Memory.Bytes(embedding.forward(torch.arange(5))).Should().Equal(Memory.Bytes(saved.forward(torch.arange(5))));
    }

    [Fact]
    public void What_is_missing_of_one_keeps_its_values_in_the_dtype_of_what_is_not()
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        using var saved = torch.nn.LSTM(4, 6, bias: false);
        saved.save(folder["saved.dat"]);
        using var module = torch.nn.LSTM(4, 6);
        var bias = module.state_dict()["bias_ih_l0"].to(torch.ScalarType.BFloat16);

        var load = module.LoadWeights(folder["saved.dat"], options: new ModuleLoadOptions { Strict = false, DType = DType.BFloat16 });

        load.Missing.Should().BeEquivalentTo("bias_ih_l0", "bias_hh_l0");
        Memory.Bytes(module.state_dict()["bias_ih_l0"]).Should().Equal(Memory.Bytes(bias));
        Memory.Bytes(module.state_dict()["weight_ih_l0"]).Should().Equal(Memory.Bytes(saved.state_dict()["weight_ih_l0"].to(torch.ScalarType.BFloat16)));
        module.call(torch.ones(1, 1, 4, dtype: torch.ScalarType.BFloat16)).Item1.dtype.Should().Be(torch.ScalarType.BFloat16);
    }

    [Fact]
    public void One_that_would_have_two_dtypes_is_refused_and_nothing_changed()
    {
        using var folder = new TemporaryFolder();
        using (var saved = torch.nn.LSTM(4, 6)) saved.save(folder["saved.dat"]);
        using var module = torch.nn.LSTM(4, 6);
        var before = Memory.Bytes(module.state_dict()["weight_ih_l0"]);
        var mixed = new ModuleLoadOptions { DType = TargetDType.Parse("bfloat16,bias_*=float32") };

        FluentActions.Invoking(() => module.LoadWeights(folder["saved.dat"], options: mixed)).Should().Throw<CheckpointException>()
            .WithMessage("*'bias_ih_l0' is float32, but LSTM computes in one dtype and 'weight_ih_l0' is bfloat16: load them with a dtype");
        Memory.Bytes(module.state_dict()["weight_ih_l0"]).Should().Equal(before);
    }
}
