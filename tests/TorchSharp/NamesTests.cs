using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Strategies.TorchSharp;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Loadline.TorchSharpTests;

/// <summary>What is missing, what is left over, and what is tied.</summary>
public class NamesTests
{
    private static readonly string Tied = Fixtures.Path("tied.pth");

    public static TheoryData<string> Strategies => new(StrategyCatalog.All.Select(s => s.Name));

    [Fact]
    public void A_strict_load_names_what_is_missing_and_what_is_left_over_and_changes_nothing()
    {
        using var module = new Other();
        var before = Memory.Bytes(module.Weight);

        FluentActions.Invoking(() => module.LoadWeights(Tied)).Should().Throw<CheckpointException>()
            .WithMessage("*tied.pth: does not fit module Other: it lacks extra.weight, extra.bias and has beside it tok_emb.weight; Strict = false loads what fits");
        Memory.Bytes(module.Weight).Should().Equal(before);
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void Another_load_reports_them_and_loads_what_fits(string strategy)
    {
        using var module = new Other();
        var extra = Memory.Bytes(module.Extra);

        var load = module.LoadWeights(Tied, strategy, options: new ModuleLoadOptions { Strict = false });

        load.Missing.Should().Equal("extra.weight", "extra.bias");
        load.Unexpected.Should().Equal("tok_emb.weight");
        Memory.Bytes(module.Weight).Should().Equal(Expected());
        Memory.Bytes(module.Extra).Should().Equal(extra);
    }

    [Fact]
    public void That_nothing_fits_is_an_error_that_says_which_part_does()
    {
        using var module = NewLinear();

        FluentActions.Invoking(() => module.LoadWeights(Tied, options: new ModuleLoadOptions { Strict = false })).Should().Throw<CheckpointException>()
            .WithMessage("*tied.pth: has none of the names of module Linear: it lacks weight and has tok_emb.weight, out_head.weight; "
                + "all of the module's names are there behind '*': Key = \"*\" takes those");
        module.LoadWeights(Tied, options: new ModuleLoadOptions { Key = "out_head" }).Missing.Should().BeEmpty();
        Memory.Bytes(module.weight).Should().Equal(Expected());
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_tie_of_the_checkpoint_is_one_memory_in_a_module_that_does_not_tie(string strategy)
    {
        using var module = Skeleton.Build(() => new Twice(tied: false));

        module.LoadWeights(Tied, strategy);

        Memory.Address(module.Head).Should().Be(Memory.Address(module.Tokens));
        Memory.Bytes(module.Head).Should().Equal(Expected());
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_tie_of_the_module_stays_one_parameter(string strategy)
    {
        using var module = Skeleton.Build(() => new Twice(tied: true));

        module.LoadWeights(Tied, strategy);

        module.Head.Should().BeSameAs(module.Tokens);
        module.parameters().Should().ContainSingle();
        Memory.Bytes(module.Head).Should().Equal(Expected());
    }

    [Fact]
    public void A_tie_of_the_module_needs_one_of_its_names_only()
    {
        using var folder = new TemporaryFolder();
        using var one = new One();
        one.save(folder["one.dat"]);
        using var module = Skeleton.Build(() => new Twice(tied: true));

        module.LoadWeights(folder["one.dat"]).Missing.Should().BeEmpty();

        Memory.Bytes(module.Tokens).Should().Equal(Memory.Bytes(one.parameters().Single()));
    }

    [Fact]
    public void Two_tensors_for_one_parameter_are_refused()
    {
        using var folder = new TemporaryFolder();
        using (var untied = new Twice(tied: false)) untied.save(folder["untied.dat"]);
        using var module = new Twice(tied: true);

        FluentActions.Invoking(() => module.LoadWeights(folder["untied.dat"])).Should().Throw<CheckpointException>()
            .WithMessage("*'out_head.weight' is one parameter with 'tok_emb.weight' in the module, but has other values here*");
    }

    [Theory]
    [InlineData(true, "mmap-assign")]
    [InlineData(false, "mmap-assign")]
    [InlineData(true, "streamed")]
    [InlineData(false, "streamed")]
    public void A_head_that_is_tied_to_an_embedding_stays_so(bool headFirst, string strategy)
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        using var saved = new TiedHead(headFirst);
        // TorchSharp saves the one weight under both names.
        saved.save(folder["tied.dat"]);
        using var module = new TiedHead(headFirst);

        module.LoadWeights(folder["tied.dat"], strategy);

        Memory.Bytes(module.LookUp()).Should().Equal(Memory.Bytes(saved.LookUp()));
        Memory.Bytes(module.Head).Should().Equal(Memory.Bytes(saved.Head));
        Memory.Address(module.Head).Should().Be(Memory.Address(module.LookedUp));
    }

    private static byte[] Expected()
    {
        using var checkpoint = Checkpoint.Open(Tied);
        return Unit.Strategies.NaiveLoader.Read(checkpoint.Entries[0]);
    }

    private static (long Outputs, long Inputs) Shape()
    {
        using var checkpoint = Checkpoint.Open(Tied);
        return (checkpoint.Entries[0].Shape[0], checkpoint.Entries[0].Shape[1]);
    }

    private static Linear NewLinear(bool bias = false) => torch.nn.Linear(Shape().Inputs, Shape().Outputs, bias);

    private sealed class Other : torch.nn.Module
    {
        [ComponentName(Name = "out_head")]
        private readonly Linear _head = NewLinear();

        [ComponentName(Name = "extra")]
        private readonly Linear _extra = NewLinear(bias: true);

        public Other()
            : base(nameof(Other)) => RegisterComponents();

        public Parameter Weight => _head.weight;

        public Parameter Extra => _extra.weight;
    }

    private sealed class One : torch.nn.Module
    {
        [ComponentName(Name = "out_head")]
        private readonly Linear _head = NewLinear();

        public One()
            : base(nameof(One)) => RegisterComponents();
    }

    private sealed class Twice : torch.nn.Module
    {
        [ComponentName(Name = "tok_emb")]
        private readonly Linear _tokens = NewLinear();

        [ComponentName(Name = "out_head")]
        private readonly Linear _head = NewLinear();

        public Twice(bool tied)
            : base(nameof(Twice))
        {
            if (tied) _head.weight = _tokens.weight;
            RegisterComponents();
        }

        public Parameter Tokens => _tokens.weight;

        public Parameter Head => _head.weight;
    }

    private sealed class TiedHead : torch.nn.Module
    {
        private readonly Embedding _tokens = torch.nn.Embedding(5, 3);
        private readonly Linear _head = torch.nn.Linear(3, 5, hasBias: false);

        public TiedHead(bool headFirst)
            : base(nameof(TiedHead))
        {
            _head.weight = _tokens.weight!;
            foreach (var (name, module) in headFirst ? [("a", _head), ("b", _tokens)] : new (string, torch.nn.Module)[] { ("a", _tokens), ("b", _head) })
            {
                register_module(name, module);
            }
        }

        public Parameter Head => _head.weight;

        public Parameter LookedUp => _tokens.weight!;

        public torch.Tensor LookUp() => _tokens.forward(torch.arange(5));
    }
}
