using System.Text.Json.Nodes;
using Loadline.Harness;
using Loadline.Harness.Budgets;
using Loadline.Harness.Runs;
using Loadline.Tensors.Engines;

namespace Loadline.Constrained;

/// <summary>The worker of the engine torchsharp in its container: what no case of budgets.json shows of it.</summary>
[Trait("Category", "Constrained")]
public sealed class ModuleTests(CappedRuns runs) : IDisposable
{
    private static readonly string Fixtures = Path.Combine(RepositoryRoot.Find()!, "tests", "Fixtures");

    private readonly TemporaryFolder _folder = new(onDisk: true);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task TorchSharp_computes_PyTorchs_logits_from_mapped_weights()
    {
        var seen = await RunAsync(Path.Combine(Fixtures, "gpt2-tiny.pth"), Outcome.Loaded);

        seen.Verified!.Against.Should().StartWith("the recorded logits");
        seen.Report!.Should().BeEquivalentTo(new { Engine = "torchsharp", Device = "cpu", Format = "pth", HostBytes = 0L, MappedBytes = seen.Report!.WeightBytes });
        seen.Report.Forward!.Top.Should().HaveCount(5);
        seen.Start!.Engine.Should().MatchRegex(@"^TorchSharp 0\.107\.0 on libtorch 2\.10\.0 \(");
        seen.Phases.Select(p => p.Phase).Should().ContainInOrder("open", "skeleton", "verify");
    }

    [Fact]
    public async Task Logits_that_are_not_the_recorded_ones_are_exit_code_5()
    {
        var checkpoint = _folder["gpt2-tiny.pth"];
        File.Copy(Path.Combine(Fixtures, "gpt2-tiny.pth"), checkpoint);
        var cancellation = TestContext.Current.CancellationToken;
        var logits = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Fixtures, "gpt2-tiny.logits.json"), cancellation))!;
        logits["logits"]![0]![2]![7] = 5.0;
        await File.WriteAllTextAsync(checkpoint + ".logits.json", logits.ToJsonString(), cancellation);

        var seen = await RunAsync(checkpoint, Outcome.VerificationFailed);

        seen.Failure!.Message.Should().Contain("logit 7 of position 2");
    }

    [Fact]
    public async Task A_checkpoint_of_no_known_module_is_refused_by_its_header()
    {
        var seen = await RunAsync(Path.Combine(Fixtures, "tied.pth"), Outcome.Refused);

        seen.LastPhase.Should().Be("open");
        seen.Failure!.Message.Should().Contain("pos_emb.weight' is missing");
    }

    private async Task<Observation> RunAsync(string checkpoint, Outcome expected)
    {
        var budget = new BudgetCase
        {
            Name = "of a test",
            Checkpoint = "fixture",
            Strategy = "mmap-assign",
            Device = "cpu",
            Engine = EngineNames.TorchSharp,
            CapBytes = 256 * ByteSize.MiB,
            Verify = Known.Forward,
            Heads = 4,
            Why = "a fixture",
        };
        var run = await runs.RunAsync(budget, checkpoint, TestContext.Current.CancellationToken);
        run.Result.Outcome.Should().Be(expected, run.Result.Message);
        return run.Seen;
    }
}
