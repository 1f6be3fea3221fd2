using System.Runtime.CompilerServices;
using Loadline.Strategies.TorchSharp;
using TorchSharp;
using TorchSharp.Modules;

namespace Loadline.TorchSharpTests;

/// <summary>
/// What is no floating-point number stays mapped when a module is converted: TorchSharp puts another object over the same memory into the module then, and
/// the file must stay mapped for it.
/// </summary>
public class MappedBuffersTests
{
    [Fact]
    public void Integers_stay_readable_when_the_module_becomes_half()
    {
        using var folder = new TemporaryFolder();
        using (var saved = new WithIds(start: 7)) saved.SaveWeights(folder["saved.safetensors"]);
        using var module = new WithIds(start: 0);
        module.LoadWeights(folder["saved.safetensors"], "mmap-assign");

        module.half();
        Memory.Collect();

        Memory.Mappings(folder["saved.safetensors"]).Should().NotBeEmpty();
        module.Ids.data<long>().ToArray().Should().Equal(Enumerable.Range(7, WithIds.Count).Select(i => (long)i));
        module.Linear.weight.dtype.Should().Be(torch.ScalarType.Float16);
    }

    [Fact]
    public void So_they_do_where_only_the_part_is_kept_that_owns_them()
    {
        using var folder = new TemporaryFolder();
        using (var saved = torch.nn.Sequential(("inner", new WithIds(start: 7)))) saved.SaveWeights(folder["saved.safetensors"]);

        using var part = LoadedAndHalved(folder["saved.safetensors"]);
        Memory.Collect();

        part.Ids.data<long>().ToArray().Should().Equal(Enumerable.Range(7, WithIds.Count).Select(i => (long)i));
    }

    [Fact]
    public void The_file_is_let_go_when_the_module_gets_memory_of_its_own_or_goes()
    {
        using var folder = new TemporaryFolder();
        using (var saved = new WithIds(start: 7)) saved.SaveWeights(folder["saved.safetensors"]);
        using (var module = new WithIds(start: 0))
        {
            for (var i = 0; i < 3; i++) module.LoadWeights(folder["saved.safetensors"], "mmap-assign");
            Memory.Collect();
            Memory.Mappings(folder["saved.safetensors"]).Should().ContainSingle();

            module.LoadWeights(folder["saved.safetensors"], "streamed");
            Memory.Collect();
            Memory.Mappings(folder["saved.safetensors"]).Should().BeEmpty();
        }

        LoadedAndForgotten(folder["saved.safetensors"]);
        Memory.Collect();
        Memory.Mappings(folder["saved.safetensors"]).Should().BeEmpty();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LoadedAndForgotten(string path)
    {
        using var module = new WithIds(start: 0);
        module.LoadWeights(path, "mmap-assign");
        module.half();
    }

    // The whole is not reachable any more when this returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WithIds LoadedAndHalved(string path)
    {
        var part = new WithIds(start: 0);
        var whole = torch.nn.Sequential(("inner", part));
        whole.LoadWeights(path, "mmap-assign");
        whole.half();
        return part;
    }

    private sealed class WithIds : torch.nn.Module<torch.Tensor, torch.Tensor>
    {
        // Large enough that the file has pages of them.
        public const int Count = 4096;

        public WithIds(long start)
            : base("WithIds")
        {
            Linear = torch.nn.Linear(3, 2);
            register_module("linear", Linear);
            register_buffer("ids", torch.arange(start, start + Count, dtype: torch.ScalarType.Int64));
        }

        public Linear Linear { get; }

        public override torch.Tensor forward(torch.Tensor input) => Linear.forward(input);

        public torch.Tensor Ids => get_buffer("ids")!;
    }
}
