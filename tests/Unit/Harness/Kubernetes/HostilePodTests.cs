using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Kubernetes;

/// <summary>Pods that no cluster has, and logs that no worker writes: whoever wrote them wants another verdict.</summary>
public sealed class HostilePodTests : IDisposable
{
    private readonly FakeCluster _cluster = new();

    public void Dispose() => _cluster.Dispose();

    [Theory]
    [InlineData("""{ "phase": "Failed" }""", "{}", "{}", "has exit code 0 and phase Failed")]
    [InlineData("{}", """{ "reason": "Error" }""", "{}", "has exit code 0 and the reason Error")]
    [InlineData("{}", """{ "reason": "error" }""", "{}", "has exit code 0 and the reason error")]
    [InlineData("{}", """{ "reason": "Error " }""", "{}", "has exit code 0 and the reason Error ")]
    [InlineData("{}", """{ "reason": "StillWell" }""", "{}", "has exit code 0 and the reason StillWell")]
    [InlineData("""{ "phase": "Failed" }""", """{ "exitCode": 2 }""", "{}", "has exit code 2 and the reason Completed")]
    [InlineData("""{ "phase": "Failed" }""", """{ "exitCode": 2, "reason": "Error", "signal": 9 }""", "{}", "has exit code 2 and signal 9")]
    [InlineData("""{ "phase": "Failed" }""", """{ "exitCode": 0, "reason": "OOMKilled", "signal": 9 }""", "{}", "has exit code 0 and signal 9")]
    [InlineData("""{ "phase": "Unknown" }""", "{}", "{}", "has ended, and its pod is in phase Unknown")]
    [InlineData("""{ "phase": "failed" }""", "{}", "{}", "has ended, and its pod is in phase failed")]
    [InlineData("""{ "phase": null }""", "{}", "{}", "has ended, and its pod is in phase none")]
    [InlineData("""{ "phase": "Weird" }""", """{ "exitCode": 137, "reason": "OOMKilled" }""", "{}", "has ended, and its pod is in phase Weird")]
    [InlineData("{}", """{ "startedAt": null, "finishedAt": null }""", "{}", "ended at no time, and started at no time")]
    [InlineData("{}", """{ "startedAt": "garbage", "finishedAt": "2026" }""", "{}", "ended at 2026, and started at garbage")]
    [InlineData("{}", """{ "signal": -9 }""", "{}", "has exit code 0 and signal -9")]
    [InlineData("{}", """{ "signal": 137 }""", "{}", "has exit code 0 and signal 137")]
    [InlineData("{}", """{ "signal": 127 }""", "{}", "has exit code 0 and signal 127")]
    [InlineData("{}", """{ "exitCode": 3 }""", "{}", "has exit code 3 and phase Succeeded")]
    [InlineData("{}", """{ "finishedAt": "2020-01-01T00:00:00Z" }""", "{}", "ended at 2020-01-01T00:00:00Z, and started at 2026-11-26T10:00:00Z")]
    [InlineData("{}", """{ "finishedAt": "2026-11-26T10:07:01Z" }""", "{}", "ran from 2026-11-26T10:00:00Z to 2026-11-26T10:07:01Z, longer than its timeout of 120 s lets it")]
    [InlineData("{}", """{ "startedAt": "0001-01-01T00:00:00Z", "finishedAt": "9999-12-31T23:59:59Z" }""", "{}", "longer than its timeout")]
    [InlineData("{}", "{}", """{ "running": { "startedAt": "2026-11-26T10:00:00Z" } }""", "has ended by its cluster's word, and has not")]
    [InlineData("{}", "{}", """{ "waiting": { "reason": "CrashLoopBackOff" } }""", "has ended by its cluster's word, and has not")]
    public async Task An_end_that_no_cluster_tells_is_an_error(string status, string terminated, string state, string why)
    {
        await _cluster.ApplyAsync();
        foreach (var name in new[] { FakeCluster.Mmap, FakeCluster.Program })
        {
            Change(Status(name), status);
            Change(State(name)["terminated"]!, terminated);
            Change(State(name), state);
        }

        await CollectAsync(1);

        foreach (var one in new[] { Results().Cases[0], Results().Cases[3] })
        {
            (one.Outcome, one.Pass).Should().Be((Outcome.Error, false));
            one.Message.Should().Contain(why);
        }
    }

    [Theory]
    [InlineData("""{ "finishedAt": "2026-11-26T10:00:00Z" }""")]
    [InlineData("""{ "finishedAt": "2026-11-26T10:06:00Z" }""")]
    [InlineData("""{ "signal": 0, "reason": null }""")]
    [InlineData("""{ "startedAt": "2026-11-26T10:00:00.123456Z", "finishedAt": "2026-11-26T12:00:01+02:00" }""")]
    public async Task An_end_that_a_cluster_may_tell_is_one(string terminated)
    {
        await _cluster.ApplyAsync();
        Change(State(FakeCluster.Mmap)["terminated"]!, terminated);

        await CollectAsync(0);
    }

    [Theory]
    [InlineData("Running")]
    [InlineData("Pending")]
    public async Task A_container_whose_pod_has_not_ended_is_not_at_its_end(string phase)
    {
        await _cluster.ApplyAsync();
        Status(FakeCluster.Mmap)["phase"] = phase;

        await CollectAsync(3);

        Results().Cases[0].Message.Should().Contain($"has ended, and its pod has not (phase {phase})");
    }

    [Theory]
    [InlineData("Failed", """{ "name": "istio-proxy", "state": { "terminated": { "exitCode": 1 } } }""")]
    [InlineData("Pending", """{ "name": "istio-proxy", "state": { "waiting": { "reason": "ErrImagePull" } } }""")]
    public async Task Another_container_of_the_pod_says_nothing_of_the_case(string phase, string other)
    {
        await _cluster.ApplyAsync();
        Status(FakeCluster.Mmap)["phase"] = phase;
        Status(FakeCluster.Mmap)["containerStatuses"]!.AsArray().Add(JsonNode.Parse(other));

        await CollectAsync(0);
    }

    [Theory]
    [InlineData("oomkilled")]
    [InlineData("OOMKILLED")]
    public async Task The_kernel_s_kill_is_one_in_any_letters(string reason)
    {
        await _cluster.ApplyAsync();
        State(FakeCluster.Program)["terminated"]!["reason"] = reason;

        await CollectAsync(1);

        Results().Cases[3].Outcome.Should().Be(Outcome.Killed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task A_worker_in_its_own_words_does_not_end_by_its_own_code_where_the_kernel_killed_it(int exitCode)
    {
        await _cluster.ApplyAsync();
        _cluster.End(FakeCluster.Mmap, exitCode, "OOMKilled");

        await CollectAsync(1);

        Results().Cases[0].Message.Should().Contain($"has exit code {exitCode} and the reason OOMKilled");
    }

    [Fact]
    public async Task A_kill_that_the_kernel_s_signal_stands_beside_is_one()
    {
        await _cluster.ApplyAsync();
        State(FakeCluster.Eager)["terminated"]!["signal"] = 9;

        await CollectAsync(0);
    }

    [Theory]
    [InlineData("loaded, verified", "its pod was killed, and its log says that it came to its end")]
    [InlineData("refused", "its pod was killed, and its log says that it failed: m")]
    [InlineData("loaded", null)]
    [InlineData("killed", null)]
    public async Task Who_was_killed_has_told_no_end(string log, string? why)
    {
        var budgets = File.ReadAllText(_cluster.BudgetsPath).Replace("\"expect\": \"killed\",", "\"expect\": \"killed\", \"verify\": \"digest\",");
        File.WriteAllText(_cluster.BudgetsPath, budgets);
        await _cluster.ApplyAsync();
        var lines = FakeEnd.Loaded(9).Lines.Select(line => line.Replace("mmap-assign", "eager", StringComparison.Ordinal)).ToArray();
        _cluster.End(FakeCluster.Eager, 137, "OOMKilled", log switch
        {
            "loaded, verified" => new FakeEnd(137, lines),
            "loaded" => new FakeEnd(137, lines[..^1]),
            _ => new FakeEnd(137, lines[0], FakeEnd.Line(new FailedEvent(log, "m"))),
        });

        await CollectAsync(why is null ? 0 : 1);

        if (why is not null) Results().Cases[1].Message.Should().Contain(why);
    }

    [Fact]
    public async Task Who_names_containers_of_no_case_names_nothing_of_where_it_ran()
    {
        await _cluster.ApplyAsync();
        var pod = _cluster.PodOf(FakeCluster.Mmap);
        for (var i = 0; i < 30; i++)
        {
            var other = pod.DeepClone().AsObject();
            other["metadata"]!["name"] = $"z{i}";
            if (i < 10) other["metadata"]!["labels"]!["loadline.case"] = "other";
            other["status"]!["containerStatuses"]![0]!["containerID"] = $"{i:00}{new string('y', 10_000)}://b";
            _cluster.Add(other);
        }

        await CollectAsync(1);

        Results().Environment.Runtime.Should().StartWith("kubernetes (10yy").And.EndWith("yyy and 13 more), cgroup v2").And.Subject.Length.Should().BeLessThan(2000);
    }

    [Fact]
    public async Task A_case_that_has_two_states_is_an_error()
    {
        await _cluster.ApplyAsync();
        Status(FakeCluster.Mmap)["containerStatuses"]!.AsArray().Add(JsonNode.Parse("""{ "name": "case", "state": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } } }"""));

        await CollectAsync(1);

        Results().Cases[0].Message.Should().Contain("has two states of a container 'case'");
    }

    [Fact]
    public async Task A_case_that_has_two_containers_is_an_error()
    {
        await _cluster.ApplyAsync();
        _cluster.PodOf(FakeCluster.Mmap)["spec"]!["containers"]!.AsArray().Add(JsonNode.Parse("""{ "name": "case", "command": ["/bin/evil"] }"""));

        await CollectAsync(1);

        Results().Cases[0].Message.Should().Contain("has two containers 'case'");
    }

    [Fact]
    public async Task A_member_that_stands_there_twice_is_refused()
    {
        await _cluster.ApplyAsync();
        File.WriteAllText(_cluster.PodsPath, _cluster.List().ToJsonString().Replace("\"exitCode\":0", "\"exitCode\":137,\"exitCode\":0"));

        (await _cluster.Loadline.RunAsync("collect", _cluster.PodsPath, "--budgets", _cluster.BudgetsPath)).Should().Be(2);

        _cluster.Loadline.Error.Should().Contain("pods.json:1: holds no pods");
    }

    [Theory]
    [InlineData("python:3", 0)]
    [InlineData("mirror.example:5000/library/python:3", 0)]
    [InlineData("python:3@sha256:0123", 0)]
    [InlineData("evil/other:3", 1)]
    [InlineData("evilpython:3", 1)]
    [InlineData("python:3.1", 1)]
    [InlineData(null, 1)]
    public async Task A_case_that_names_an_image_ran_in_it(string? image, int exitCode)
    {
        await _cluster.ApplyAsync();
        _cluster.PodOf(FakeCluster.Program)["spec"]!["containers"]![0]!["image"] = image;

        await CollectAsync(exitCode);

        if (exitCode != 0) Results().Cases[3].Message.Should().Contain($"has another image than its case says, {image ?? "none"}");
    }

    [Fact]
    public async Task A_case_that_names_an_image_of_its_own_is_not_skipped_for_its_engine()
    {
        File.WriteAllText(_cluster.BudgetsPath, File.ReadAllText(_cluster.BudgetsPath).Replace(
            "\"strategy\": \"mmap-assign\",", "\"strategy\": \"mmap-assign\", \"engine\": \"libtorch\", \"image\": \"torch:2\","));
        await _cluster.ApplyAsync();
        _cluster.Remove(FakeCluster.Mmap);

        await CollectAsync(3);

        Results().Skipped.Should().BeNull();
        Results().Cases[0].Message.Should().Contain("there is no pod of it in pods.json");
    }

    [Theory]
    [InlineData("\"seconds\":0.5", "\"seconds\":68", "its log reports 68.0 s of a container that ran for 7 s")]
    [InlineData("(\"event\":\"start\".*\"baselineAnonymousBytes\":)\\d+", "${1}900000000", "its log says that it held 858 MiB before the load, and 9 MiB at its peak")]
    [InlineData("(\"event\":\"loaded\".*\"baselineAnonymousBytes\":)\\d+", "${1}900000000", "its log says that it held 858 MiB before the load, and 9 MiB at its peak")]
    [InlineData("\"peakCgroupBytes\":\\d+", "\"peakCgroupBytes\":1152921504606846976", "more than its cap of 1 GiB lets live")]
    [InlineData("(\"event\":\"loaded\".*\"hostBytes\":)\\d+", "${1}288230376151711745", "has figures that no machine has")]
    [InlineData("(\"event\":\"loaded\".*\"deviceBytes\":)\\d+", "${1}288230376151711745", "has figures that no machine has")]
    [InlineData("(\"event\":\"sample\".*\"anonBytes\":)\\d+", "${1}1152921504606846975", "more than its cap of 1 GiB lets live")]
    [InlineData("(\"event\":\"loaded\".*\"tensors\":)\\d+", "${1}0", "says that it loaded nothing")]
    [InlineData("\"weightBytes\":\\d+", "\"weightBytes\":0", "says that it loaded nothing")]
    [InlineData("\"peakRssBytes\":\\d+", "\"peakRssBytes\":-5", "has figures below zero")]
    [InlineData("\"mappedBytes\":\\d+", "\"mappedBytes\":-1", "has figures below zero")]
    [InlineData("\"majorFaults\":\\d+", "\"majorFaults\":-7", "has figures below zero")]
    [InlineData("\"devices\":null", "\"devices\":[{\"device\":\"cpu\",\"limitBytes\":null,\"peakBytes\":-1}]", "has figures below zero")]
    [InlineData("\"bytes\":1000", "\"bytes\":-1000", "has figures below zero")]
    [InlineData("(\"event\":\"start\".*\"baselineAnonymousBytes\":)\\d+", "${1}-1", "has figures below zero")]
    public async Task A_log_whose_figures_no_worker_has_makes_no_pass(string sound, string damaged, string why)
    {
        await _cluster.ApplyAsync();
        var log = string.Concat(FakeEnd.Loaded(9).Lines.Select(line => line + "\n"));
        Regex.IsMatch(log, sound).Should().BeTrue(log);
        _cluster.Log(FakeCluster.Mmap, Regex.Replace(log, sound, damaged));

        await CollectAsync(1);

        var mmap = Results().Cases[0];
        (mmap.Outcome, mmap.Pass).Should().Be((Outcome.Error, false));
        mmap.Message.Should().Contain(why);
    }

    private static void Change(JsonNode node, string members)
    {
        foreach (var (name, value) in JsonNode.Parse(members)!.AsObject()) node[name] = value?.DeepClone();
    }

    private JsonNode Status(string name) => _cluster.PodOf(name)["status"]!;

    private JsonNode State(string name) => Status(name)["containerStatuses"]![0]!["state"]!;

    private ResultFile Results() => ResultFile.Read(_cluster.Loadline.Folder["head.json"]);

    private async Task CollectAsync(int exitCode) => (await _cluster.CollectAsync()).Should().Be(exitCode, _cluster.Loadline.Error + _cluster.Loadline.Out);
}
