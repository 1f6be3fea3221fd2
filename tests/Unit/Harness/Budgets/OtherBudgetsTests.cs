using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Forward.Models;
using Loadline.Harness.Budgets;
using Loadline.Strategies;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Limits;
using Loadline.Unit.DeviceMaps;

namespace Loadline.Unit.Harness.Budgets;

/// <summary>Budget files that check.sh does not run: each of their figures is held against what the strategies say of themselves.</summary>
public class OtherBudgetsTests
{
    // What caps leave for the host's side of a CUDA context. Not a measurement: it differs between drivers and GPUs.
    private const long CudaContextBytes = 512 * ByteSize.MiB;

    [Theory]
    [InlineData("budgets.large.json")]
    [InlineData("budgets.gpu.json")]
    [InlineData("containers/vm/budgets.json")]
    [InlineData("examples/kubernetes/budgets.json")]
    public void Their_peaks_are_those_of_the_strategies_and_their_caps_decide_what_becomes_of_a_load(string path)
    {
        var file = BudgetFile.Read(Path.Combine(Repository.Root, path));
        foreach (var budget in file.Cases.Where(c => c.Command.IsEmpty))
        {
            var peak = Peak(budget, ((GeneratedCheckpoint)file.Checkpoints[budget.Checkpoint]).Recipe);
            if (budget.PeakHostBytes is { } host) host.Should().Be(peak.HostBytes, budget.Name);
            if (budget.PeakDeviceBytes is { } device) device.Should().Be(peak.DeviceBytes, budget.Name);
            // A cap that kills or spares only by a little would make the outcome a matter of luck.
            if (budget.Expect == Outcome.Killed) budget.CapBytes.Should().BeLessThan(peak.HostBytes - 64 * ByteSize.MiB, budget.Name);
            else budget.CapBytes.Should().BeGreaterThan(peak.HostBytes + (budget.GpuCount > 0 ? CudaContextBytes : 0) + 48 * ByteSize.MiB, budget.Name);
        }
    }

    [Fact]
    public void Each_case_for_GPUs_asks_for_one_and_is_verified_where_it_survives() =>
        BudgetFile.Read(Path.Combine(Repository.Root, "budgets.gpu.json")).Cases.Should().AllSatisfy(budget =>
        {
            budget.GpuCount.Should().Be(1);
            if (budget.Expect == Outcome.Loaded && budget.Command.IsEmpty) (budget.Verify, budget.PeakDeviceBytes)
                .Should().Match<(string?, long?)>(c => c.Item1 == Known.Digest && c.Item2 != null);
        });

    private static PeakMemory MappedPeak(BudgetCase budget, CheckpointRecipe recipe)
    {
        var options = budget.Options();
        var plan = DeviceMapPlanner.Plan(ModelEntries.Of(recipe.Model, recipe.DType), options.DeviceMap ?? new DeviceMapOptions(), options.Devices, HostRam.Of(budget.CapBytes));
        return new(plan.HostBytes, plan.AcceleratorBytes);
    }

    private static PeakMemory Peak(BudgetCase budget, CheckpointRecipe recipe)
    {
        // A module's tensors are placed on the host, and copied onto the GPU from there.
        if (budget is { Engine: EngineNames.TorchSharp, Device: not "cpu" })
        {
            var onHost = Peak(budget with { Device = "cpu" }, recipe);
            return onHost with { DeviceBytes = KnownModels.TryCreate(recipe.Model)!.Parameters.Sum(p => recipe.DType.ByteCount(Shapes.ElementCount(p.Shape.AsSpan()))) };
        }

        if (budget.Strategy == "device-map") return MappedPeak(budget, recipe);
        var dtype = DType.TryParse(budget.DType, out var wanted) ? wanted : recipe.DType;
        var sizes = KnownModels.TryCreate(recipe.Model)!.Parameters.Select(p => dtype.ByteCount(Shapes.ElementCount(p.Shape.AsSpan()))).ToList();
        var size = new LoadSizes(sizes.Sum(), sizes.Max(), budget.RingBytes ?? new LoadOptions().RingBytes);
        var peak = StrategyCatalog.Find(budget.Strategy!).Peak(size, Device.Parse(budget.Device!));
        return dtype == recipe.DType ? peak : peak with { HostBytes = peak.HostBytes + 2 * ByteSize.MiB };
    }
}
