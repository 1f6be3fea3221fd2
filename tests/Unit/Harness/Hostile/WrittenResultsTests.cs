using Loadline.Forward;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Harness.Runs;
using Loadline.Measuring;
using Loadline.Unit.Harness.Kubernetes;

namespace Loadline.Unit.Harness.Hostile;

/// <summary>Whatever a worker says, or a cluster of its pods: the results that are written of it are read, or one case would cost all others of the file.</summary>
public sealed class WrittenResultsTests : IDisposable
{
    // The table, what was missed of each case and a summary; a text that nobody has cut has half a million.
    private const int MostPrinted = 20_000;

    private static readonly BudgetCase Case = new()
    {
        Name = "n",
        Checkpoint = "c",
        Strategy = "mmap-assign",
        Device = "cpu",
        CapBytes = ByteSize.GiB,
        PeakAnonymousBytes = 54 * ByteSize.MiB,
        Verify = "digest",
        Passes = 2,
        Reread = 0.05,
        Why = "w",
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("loaded", "loaded")]
    [InlineData("killed", "killed")]
    [InlineData("refused", "refused")]
    public async Task Whatever_a_worker_says_the_results_of_a_run_are_read(string end, string expect)
    {
        var told = Ends()[end];
        for (var line = 0; line < told.Lines.Length; line++)
        {
            foreach (var (change, json) in Leaves.Changed(told.Lines[line]))
            {
                var result = await RunAsync(expect, told with { Lines = [.. told.Lines[..line], json, .. told.Lines[(line + 1)..]] });

                FluentActions.Invoking(() => Read(result)).Should().NotThrow(change);
                (result.Message ?? "").Length.Should().BeLessThan(MostPrinted, change);
            }
        }
    }

    [Fact]
    public async Task A_report_that_is_not_believed_leaves_no_figure_in_the_results()
    {
        var told = Ends()["loaded"];

        var below = await RunAsync("loaded", told with { Lines = [.. told.Lines.Select(line => line.Replace("\"hostBytes\":7", "\"hostBytes\":-5"))] });
        var lower = await RunAsync("loaded", told with { Lines = [FakeEnd.Sample(60), .. told.Lines] });

        foreach (var result in new[] { below, lower })
        {
            (result.Outcome, result.WeightBytes, result.PeakRssBytes, result.PeakCgroupBytes, result.Devices).Should().Be((Outcome.Error, null, null, null, null));
        }

        below.Message.Should().EndWith("its worker has figures below zero");
        lower.PeakAnonymousBytes.Should().Be(60 * ByteSize.MiB, "a sample says so");
    }

    [Fact]
    public async Task Of_devices_by_the_hundred_the_first_are_told_and_the_others_counted()
    {
        var devices = Enumerable.Range(0, 100).Select(i => new DevicePeak($"sim:{i}", 1, 2 + i % 2)).ToList();

        var end = new FakeEnd(0, FakeEnd.Line(FakeEnd.Report(9) with { Devices = devices, DeviceBytes = 3 }));

        var result = await RunAsync("loaded", end, Case with { Device = string.Join(',', Enumerable.Repeat("sim:1GiB", 100)), Verify = null, Passes = 0, Reread = null });

        result.Message!.Split('\n').Should().HaveCount(16).And.HaveElementAt(15, "85 more of its budgets were missed");
        FluentActions.Invoking(() => Read(result)).Should().NotThrow();
    }

    // Each would be read; of a few together nobody would read any.
    [Fact]
    public async Task Whatever_workers_say_the_results_of_all_of_them_are_read()
    {
        var map = Enumerable.Range(0, 80_000).ToDictionary(i => $"{i:x}", _ => "");
        var end = new FakeEnd(0, FakeEnd.Line(FakeEnd.Report(9) with { DeviceMap = map }));
        var plain = Case with { Verify = null, Passes = 0, Reread = null };
        var results = new List<CaseResult>();
        for (var i = 0; i < 7; i++) results.Add(await RunAsync("loaded", end, plain with { Name = $"{i}" }));
        results.Add(await RunAsync("loaded", FakeEnd.Loaded(9), plain));

        Measured.File([.. results]).Write(_folder["all.json"]);

        var read = ResultFile.Read(_folder["all.json"]).Cases;
        read.Select(one => one.Outcome).Should().Equal([.. Enumerable.Repeat(Outcome.Error, 7), Outcome.Loaded]);
        read[0].Message.Should().EndWith("it tells more values, or others, than a case of results may hold");
    }

    [Fact]
    public void What_is_not_hidden_pays_for_itself_and_what_nobody_would_read_is_not_written()
    {
        var result = Measured.File([]) with { Notes = [.. Enumerable.Repeat(new string('é', 80_000), 60)] };
        result.Write(_folder["notes.json"]);
        ResultFile.Read(_folder["notes.json"]).Notes.Should().HaveCount(60);

        var many = result with { Notes = [.. Enumerable.Range(0, 1_000_000).Select(i => "")] };
        FluentActions.Invoking(() => many.Write(_folder["many.json"])).Should().Throw<IOException>().WithMessage("*many.json: is not written*");
        File.Exists(_folder["many.json"]).Should().BeFalse();
    }

    [Fact]
    public async Task The_last_words_of_a_program_are_cut_as_a_worker_s_are()
    {
        var result = await RunAsync("loaded", new FakeEnd(1) { ErrorLines = [new string('\u007f', 16_384)] });

        result.Message!.Length.Should().BeInRange(WorkerJson.MostCharacters, WorkerJson.MostCharacters + 200);
        result.Message.Should().Contain("exit code 1: \\u007f").And.Contain("…");
    }

    [Fact]
    public async Task Whatever_a_cluster_says_of_its_pods_the_results_of_a_collection_are_read()
    {
        using var cluster = new FakeCluster();
        await cluster.ApplyAsync();
        foreach (var name in new[] { FakeCluster.Mmap, FakeCluster.Eager, FakeCluster.Refused })
        {
            var (pod, index) = (cluster.PodOf(name), cluster.Pods.ToList().IndexOf(cluster.PodOf(name)));
            // An environment is not read, and what else a pod may have takes as long to try.
            foreach (var besides in new[] { "env", "volumes", "securityContext", "affinity", "volumeMounts" }) pod["spec"]!["containers"]![0]!.AsObject().Remove(besides);
            foreach (var (change, json) in Leaves.Changed($$"""{"spec":{{pod["spec"]!["containers"]!.ToJsonString()}},"status":{{pod["status"]!.ToJsonString()}}}"""))
            {
                var list = cluster.List();
                var changed = System.Text.Json.Nodes.JsonNode.Parse(json)!;
                (list["items"]![index]!["spec"]!["containers"], list["items"]![index]!["status"]) = (changed["spec"]!.DeepClone(), changed["status"]!.DeepClone());
                await CollectAsync(cluster, list.ToJsonString(), change);
            }
        }
    }

    [Fact]
    public async Task Whatever_a_log_says_the_results_of_a_collection_are_read()
    {
        using var cluster = new FakeCluster();
        await cluster.ApplyAsync();
        foreach (var (name, lines) in new[] { (FakeCluster.Mmap, FakeEnd.Loaded(9).Lines), (FakeCluster.Refused, [FakeEnd.Line(new FailedEvent("refused", "m"))]) })
        {
            for (var line = 0; line < lines.Length; line++)
            {
                foreach (var (change, json) in Leaves.Changed(lines[line]))
                {
                    cluster.Log(name, string.Join('\n', [.. lines[..line], json, .. lines[(line + 1)..]]) + "\n");
                    await CollectAsync(cluster, cluster.List().ToJsonString(), change);
                }
            }

            cluster.Log(name, string.Join('\n', lines) + "\n");
        }
    }

    private static async Task CollectAsync(FakeCluster cluster, string pods, string change)
    {
        var (results, printed) = (cluster.Loadline.Folder["head.json"], cluster.Loadline.Out.Length + cluster.Loadline.Error.Length);
        File.WriteAllText(cluster.PodsPath, pods);
        File.Delete(results);

        var code = await cluster.Loadline.RunAsync("collect", cluster.PodsPath, "--logs", cluster.Loadline.Folder["logs"], "--budgets", cluster.BudgetsPath, "--results", results);

        // What is no list of pods is refused, and nothing written.
        if (code != ExitCodes.Refused) FluentActions.Invoking(() => ResultFile.Read(results)).Should().NotThrow(change);
        (cluster.Loadline.Out.Length + cluster.Loadline.Error.Length - printed).Should().BeLessThan(MostPrinted, change);
    }

    private static Dictionary<string, FakeEnd> Ends()
    {
        var start = FakeEnd.Line(new StartEvent("6.1", 2, 1L << 30, true, 2 * ByteSize.MiB) { Cores = 2, RamBytes = 1L << 33 });
        var killed = FakeEnd.Killed(900);
        var report = FakeEnd.Report(9) with
        {
            HostBytes = 7,
            DType = "float16",
            Choice = "streamed",
            DriverDeviceBytes = 1,
            DriverBaselineBytes = 1,
            DeviceMap = new Dictionary<string, string> { ["h.0"] = "sim:0" },
            Devices = [new DevicePeak("sim:0", 1, 1)],
            Passes = [FakeEnd.Pass(1), FakeEnd.Pass(0)],
            Forward = new ForwardResult([[1]], [new TopLogit(1, 1)]),
            Holders = [new Holders("host", 7, [new HeldForUse("model", 7, 1)], [new HeldByTensor("model", "t", 7)])],
        };
        string[] used = [.. report.Passes.Select(pass => FakeEnd.Line(new PassEvent(pass))), FakeEnd.Line(report), FakeEnd.Line(new VerifiedEvent(413, 1000, "digests"))];
        return new()
        {
            ["loaded"] = new FakeEnd(0, [start, killed.Lines[1], FakeEnd.Sample(9), FakeEnd.Line(new HoldersEvent(report.Holders)), .. used]),
            ["killed"] = killed with { Lines = [.. killed.Lines, used[0], used[2]] },
            ["refused"] = new FakeEnd(2, start, FakeEnd.Line(new FailedEvent("refused", "m") { Cause = null })),
        };
    }

    private static async Task<CaseResult> RunAsync(string expect, FakeEnd end, BudgetCase? budget = null)
    {
        budget = (budget ?? Case) with { Expect = Enum.Parse<Outcome>(expect, ignoreCase: true) };
        if (expect != "loaded") budget = budget with { PeakAnonymousBytes = null };
        return (await new CaseRunner(new FakeRuntime(_ => end)).RunAsync(budget, "/w.pth", null, TestContext.Current.CancellationToken)).Result;
    }

    private CaseResult Read(CaseResult result)
    {
        Measured.File(result).Write(_folder["results.json"]);
        return ResultFile.Read(_folder["results.json"]).Cases.Single();
    }
}
