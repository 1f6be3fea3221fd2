using Loadline.Harness.Results;
using Loadline.Harness.Runtimes.Cgroups;
using Loadline.Harness.Runtimes.Docker;
using Loadline.Harness.Runtimes.Images;

namespace Loadline.Constrained.Faults;

/// <summary><c>loadline run</c>, killed so that it can clean up nothing, and run again.</summary>
[Trait("Category", "Constrained")]
public sealed class HarnessKilledTests(CappedRuns runs) : IDisposable
{
    private readonly TinyCases _cases = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _cases.Dispose();

    [Fact(DisplayName = "a harness that is killed as soon as it starts leaves nothing that the next run minds")]
    public Task Killed_at_its_start() => KilledAndRunAgainAsync(_ => Task.CompletedTask);

    [Fact(DisplayName = "a harness that is killed while it makes a checkpoint leaves no half of one")]
    public Task Killed_while_it_makes_a_checkpoint() => KilledAndRunAgainAsync(harness => harness.ReadToAsync("making m", Cancellation));

    [Fact(DisplayName = "a harness that is killed while a case runs leaves a program that the next run ends")]
    public Task Killed_while_a_case_runs() => KilledAndRunAgainAsync(RunsSomethingAsync, "waits");

    [Fact(DisplayName = "a harness that is killed between two cases keeps no half of its results")]
    public Task Killed_after_a_case() => KilledAndRunAgainAsync(harness => harness.ReadToAsync("ends at once", Cancellation), "ends at once", "waits");

    [Fact(DisplayName = "a harness that is killed while it writes its results has written all of them or none")]
    public Task Killed_while_it_writes_results() => KilledAndRunAgainAsync(harness => harness.ReadToAsync("ends at once", Cancellation), "ends at once");

    private async Task KilledAndRunAgainAsync(Func<LoadlineProcess, Task> whenToKill, params string[] cases)
    {
        var (results, page, cache) = (_cases.At("results.json"), _cases.At("report.html"), _cases.At("cache"));
        var image = await ImageAsync();
        using var killed = Start(cases.Length == 0 ? ["ends at once"] : cases);
        await whenToKill(killed);
        await killed.KillAsync(Cancellation);
        if (File.Exists(results)) ResultFile.Read(results).Cases.Should().NotBeEmpty();
        if (File.Exists(page)) (await File.ReadAllTextAsync(page, Cancellation)).TrimEnd().Should().EndWith("</html>");

        using var next = Start("ends at once");
        var (exitCode, error) = await next.EndAsync(Cancellation);

        exitCode.Should().Be(0, error);
        await new LeftBehind(runs.CommandLineRuntime, killed.Owner).ShouldBeNothingAsync(Cancellation);
        ResultFile.Read(results).Should().Match<ResultFile>(r => r.Incomplete == null && r.Cases.Count == 1);
        Directory.GetFileSystemEntries(cache).Select(Path.GetFileName).Except([".gitignore"])
            .Should().BeEquivalentTo("gpt2-small-bfloat16-0.safetensors", "gpt2-small-bfloat16-0.safetensors.digests.json");

        LoadlineProcess Start(params IEnumerable<string> names)
        {
            var budgets = _cases.WriteBudgets(
                new Dictionary<string, object> { ["m"] = new { model = "gpt2-small", format = "safetensors", dtype = "bfloat16" } },
                names.Select(name => Case(name, image)));
            return LoadlineProcess.Start(cache, "run", "--budgets", budgets, "--runtime", runs.CommandLineRuntime, "--results", results, "--html", page);
        }
    }

    private static Dictionary<string, object> Case(string name, string? image)
    {
        string[] command = name == "waits" ? ["/bin/sleep", "1000"] : ["/bin/true"];
        var members = new Dictionary<string, object>
        {
            ["name"] = name,
            ["checkpoint"] = "m",
            ["command"] = command,
            ["cap"] = "64MiB",
            ["expect"] = "loaded",
            ["timeout"] = "1000s",
            ["why"] = "w",
        };
        if (image is not null) members["image"] = image;
        return members;
    }

    // Asked for, not waited for: the container or cgroup shows when it is there.
    private async Task RunsSomethingAsync(LoadlineProcess harness)
    {
        var left = new LeftBehind(runs.CommandLineRuntime, harness.Owner);
        while (!await left.IsSomethingAsync(Cancellation)) await Task.Delay(20, Cancellation);
    }

    // A runtime with images needs one that has the two programs.
    private async Task<string?> ImageAsync()
    {
        if (runs.CommandLineRuntime == CgroupRuntime.RuntimeName) return null;
        const string Image = "loadline-faults:1";
        using var engine = await DockerEngine.ConnectAsync(EngineAddress.Find(), Cancellation);
        var images = new EngineImages(engine);
        // Each import makes a new image, and leaves the one before without a name.
        if (await images.HasAsync(Image, Cancellation)) return Image;
        var contents = new ImageContents();
        foreach (var program in (string[])["/bin/sleep", "/bin/true"]) await contents.AddProgramAsync(program, program, Cancellation);
        await images.ImportAsync(contents, Image, entrypoint: null, source: null, Cancellation);
        return Image;
    }
}
