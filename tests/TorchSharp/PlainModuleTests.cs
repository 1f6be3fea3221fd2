using Loadline.Checkpoints;
using Loadline.Strategies.TorchSharp;
using TorchSharp;
using TorchSharp.Modules;

namespace Loadline.TorchSharpTests;

/// <summary>Modules that were written without a thought of how they will be loaded.</summary>
public class PlainModuleTests
{
    [Fact]
    public void A_plain_GPT2_is_built_loaded_trained_saved_over_its_own_file_and_loaded_again()
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Fixtures.Path("gpt2-tiny.pth"));
        using var scope = torch.NewDisposeScope();
        using var model = Skeleton.Build(() => new PlainGpt2());
        model.LoadWeights(path).Strategy.Should().Be("mmap-assign");
        var input = torch.tensor(new long[,] { { 1, 2, 3 } });
        RecordedLogits.ShouldBe(model.forward(input));

        var losses = Train(model, input);
        losses[^1].Should().BeLessThan(losses[0] / 2);
        model.SaveWeights(path);
        model.forward(input).sum().item<float>().Should().NotBe(float.NaN, "what was mapped from the old file is still there");

        using var again = Skeleton.Build(() => new PlainGpt2());
        again.LoadWeights(path);
        Memory.Bytes(again.forward(input)).Should().Equal(Memory.Bytes(model.forward(input)));
        folder.Names.Should().Equal("gpt2-tiny.pth");
    }

    [Fact]
    public void Until_it_is_loaded_a_layer_of_native_code_holds_no_memory_and_computes_nothing_but_NaN()
    {
        using var scope = torch.NewDisposeScope();
        using var process = Loadline.Gauges.ProcessMemory.Open();
        torch.ones(1).Dispose();
        Memory.Collect();
        var before = process.Read().AnonBytes;

        using var embedding = Skeleton.Build(() => torch.nn.Embedding(50257, 256));
        using var lstm = Skeleton.Build(() => torch.nn.LSTM(512, 1024));
        Memory.Collect();

        (process.Read().AnonBytes - before).Should().BeLessThan(36 * ByteSize.MiB, "the two have 73 MiB of weights, and the C library may keep a freed block of up to 32 MiB");
        embedding.weight!.shape.Should().Equal(50257, 256);
        embedding.forward(torch.arange(3)).isnan().all().item<bool>().Should().BeTrue();
        lstm.state_dict()["weight_ih_l0"].shape.Should().Equal(4096, 512);
        lstm.call(torch.ones(1, 1, 512)).Item1.isnan().all().item<bool>().Should().BeTrue();
    }

    [Theory]
    [InlineData("mmap-assign")]
    [InlineData("streamed")]
    public void A_layer_of_native_code_that_was_built_without_memory_computes_with_what_is_loaded(string strategy)
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.randn(2, 3, 4);
        Check(() => torch.nn.Embedding(5, 4), e => e.call(torch.tensor(new long[] { 4, 1 })));
        Check(() => torch.nn.EmbeddingBag(5, 4), bag => bag.call(torch.tensor(new long[,] { { 4, 1 } })));
        Check(() => torch.nn.LSTM(4, 6, numLayers: 2, bidirectional: true), lstm => lstm.call(x).Item1);
        Check(() => torch.nn.GRU(4, 6, numLayers: 2), gru => gru.call(x).Item1);
        Check(() => torch.nn.RNN(4, 6), rnn => rnn.call(x).Item1);
        Check(() => torch.nn.LSTMCell(4, 6), cell => cell.call(x[0], (torch.zeros(3, 6), torch.zeros(3, 6))).Item1);
        Check(() => torch.nn.GRUCell(4, 6), cell => cell.forward(x[0], torch.zeros(3, 6)));
        Check(() => torch.nn.RNNCell(4, 6), cell => cell.forward(x[0], torch.zeros(3, 6)));
        Check(() => torch.nn.MultiheadAttention(4, 2), attention => attention.call(x, x, x).Item1);

        void Check<T>(Func<T> construct, Func<T, torch.Tensor> run)
            where T : torch.nn.Module
        {
            using var folder = new TemporaryFolder();
            using var saved = construct();
            saved.SaveWeights(folder["saved.safetensors"]);
            using var module = Skeleton.Build(construct);

            module.LoadWeights(folder["saved.safetensors"], strategy);

            Memory.Bytes(run(module)).Should().Equal(Memory.Bytes(run(saved)), typeof(T).Name);
            module.parameters().Should().OnlyContain(p => p.requires_grad);
        }
    }

    [Fact]
    public void A_head_that_is_tied_to_a_plain_embedding_is_so_still()
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        using var saved = new Tied();
        saved.SaveWeights(folder["tied.pth"]);
        using var module = Skeleton.Build(() => new Tied());

        module.LoadWeights(folder["tied.pth"]);

        Memory.Address(module.Head.weight).Should().Be(Memory.Address(module.Tokens.weight!));
        Memory.Bytes(module.Tokens.forward(torch.arange(5))).Should().Equal(Memory.Bytes(saved.Tokens.forward(torch.arange(5))));
    }

    [Fact]
    public void A_buffer_that_is_not_persistent_is_never_silently_without_values()
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        using var inMemory = new Rotary();
        inMemory.SaveWeights(folder["rotary.safetensors"]);
        using var module = Skeleton.Build(() => new Rotary());

        FluentActions.Invoking(() => module.LoadWeights(folder["rotary.safetensors"])).Should().Throw<InvalidOperationException>()
            .WithMessage("buffer 'inv_freq' of module Rotary is on the meta device*device: torch.CPU*computeBuffer*");

        using var computed = Skeleton.Build(() => new Rotary(), name => name == "inv_freq" ? Rotary.Frequencies() : null);
        computed.LoadWeights(folder["rotary.safetensors"]);
        Memory.Bytes(computed.Frequency).Should().Equal(Memory.Bytes(inMemory.Frequency));

        computed.LoadWeights(folder["rotary.safetensors"], options: new ModuleLoadOptions { DType = DType.BFloat16 });
        computed.Frequency.dtype.Should().Be(torch.ScalarType.BFloat16, "half() would convert it, too");
    }

    private static List<float> Train(PlainGpt2 model, torch.Tensor input)
    {
        var target = torch.tensor(new long[] { 2, 3, 4 });
        using var optimizer = torch.optim.AdamW(model.parameters(), lr: 0.01);
        var losses = new List<float>();
        for (var step = 0; step < 20; step++)
        {
            using var scope = torch.NewDisposeScope();
            optimizer.zero_grad();
            var loss = torch.nn.functional.cross_entropy(model.forward(input).view(3, 97), target);
            loss.backward();
            optimizer.step();
            losses.Add(loss.item<float>());
        }

        return losses;
    }

    private sealed class Tied : torch.nn.Module
    {
        public Tied()
            : base(nameof(Tied))
        {
            Head.weight = Tokens.weight!;
            RegisterComponents();
            register_module("tokens", Tokens);
            register_module("head", Head);
        }

        public Embedding Tokens { get; } = torch.nn.Embedding(5, 3);

        public Linear Head { get; } = torch.nn.Linear(3, 5, hasBias: false);
    }

    private sealed class Rotary : torch.nn.Module
    {
        public Rotary()
            : base(nameof(Rotary))
        {
            Frequency = Frequencies();
            register_module("proj", torch.nn.Linear(4, 4));
            register_buffer("inv_freq", Frequency, persistent: false);
        }

        public torch.Tensor Frequency { get; }

        public static torch.Tensor Frequencies() => torch.pow(10000.0, -torch.arange(0, 8, 2, dtype: torch.float32) / 8);
    }
}
