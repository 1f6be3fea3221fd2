using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Loadline.Harness.Budgets;
using Loadline.Harness.Results;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Kubernetes;

/// <summary><c>loadline collect</c>, on the pods that <c>loadline kubernetes</c> wrote.</summary>
public sealed class CollectTests : IDisposable
{
    private readonly FakeCluster _cluster = new();

    public void Dispose() => _cluster.Dispose();

    [Fact]
    public async Task A_run_that_went_as_expected_is_an_ordinary_result_file()
    {
        await _cluster.ApplyAsync();

        (await CollectAsync(0, "--html", _cluster.Loadline.Folder["head.html"])).Should().BeEmpty();

        var results = Results();
        results.Cases.Select(c => (c.Name, c.Outcome, c.Pass)).Should().Equal(
            (FakeCluster.Mmap, Outcome.Loaded, true), (FakeCluster.Eager, Outcome.Killed, true), (FakeCluster.Refused, Outcome.Refused, true),
                (FakeCluster.Program, Outcome.Loaded, true));
        var mmap = results.Cases[0];
        (mmap.PeakAnonymousBytes, mmap.PeakCgroupBytes, mmap.WallSeconds, mmap.ExitCode, mmap.Cold).Should().Be((9 << 20, 10 << 20, 7, 0, true));
        mmap.Timeline!.AnonBytes.Should().Contain(9 << 20);
        results.Cases[1].PeakAnonymousBytes.Should().Be(900L << 20);
        results.Cases[1].LastPhase.Should().Be("copy");
        results.Cases[2].Reason.Should().Be("/checkpoints/bad.pth: is no checkpoint");
        results.Environment.Should().Be(new RunEnvironment("6.1", 2, "kubernetes (containerd), cgroup v2", "native", null, null, 0, 0));
        results.Incomplete.Should().BeNull();
        File.ReadAllText(_cluster.Loadline.Folder["head.html"]).Should().Contain("mmap survives").And.Contain("kubernetes (containerd)");
    }

    [Fact]
    public async Task The_pods_of_the_tests_are_some_by_the_published_schema()
    {
        await _cluster.ApplyAsync();

        KubernetesSchema.Problems("PodList", _cluster.List()).Should().BeEmpty();
    }

    [Fact]
    public async Task Report_and_compare_take_the_results_as_those_of_any_run()
    {
        await _cluster.ApplyAsync();
        await CollectAsync(0);
        File.Copy(_cluster.Loadline.Folder["head.json"], _cluster.Loadline.Folder["base.json"]);
        _cluster.End(FakeCluster.Mmap, 0, "Completed", FakeEnd.Loaded(40));
        await CollectAsync(0);

        (await _cluster.Loadline.RunAsync("report", _cluster.Loadline.Folder["head.json"])).Should().Be(0);
        (await _cluster.Loadline.RunAsync("compare", _cluster.Loadline.Folder["base.json"], _cluster.Loadline.Folder["head.json"])).Should().Be(1);
        _cluster.Loadline.Out.Should().Contain("31 MiB more than the 9 MiB before");
    }

    [Fact]
    public async Task A_missed_budget_is_exit_code_1_with_its_place_in_the_file()
    {
        await _cluster.ApplyAsync();
        _cluster.End(FakeCluster.Mmap, 0, "Completed", FakeEnd.Loaded(60));

        await CollectAsync(1);

        _cluster.Loadline.Out.Should().Contain("was limited to 54 MiB of anonymous memory but peaked at 60 MiB").And.Contain($"{_cluster.BudgetsPath}:4: 'mmap survives'");
    }

    [Theory]
    [InlineData("\\}$", "}\n{\"event\":\"failed\",\"kind\":\"verification-failed\",\"message\":\"no\"}\n", "its log says that it verified its weights, and then 'verification-failed': no")]
    [InlineData("\\n[^\n]*\"verified\"[^\n]*$", "\n{\"event\":\"failed\",\"kind\":\"verification-failed\",\"message\":\"no\"}", "its log says that it failed: no")]
    [InlineData("\\n[^\n]*\"verified\"[^\n]*$", "\n{\"event\":\"failed\",\"kind\":\"refused\",\"message\":\"no\"}", "its log says that it failed: no")]
    [InlineData("(\n[^\n]*\"loaded\"[^\n]*)(\n[^\n]*\"verified\"[^\n]*)$", "$2$1", "its log says 'verified' before 'loaded'")]
    [InlineData("(\"event\":\"verified\",\"tensors\":)\\d+", "${1}412", "its worker verified 412 of the 413 tensors that it loaded")]
    [InlineData("\"peakCgroupBytes\":\\d+", "\"peakCgroupBytes\":1", "its log says that it held 9 MiB of anonymous memory, and 1 B in all")]
    [InlineData("\"peakRssBytes\":\\d+", "\"peakRssBytes\":0", "its log says that it held 9 MiB of anonymous memory, and 0 B in all")]
    [InlineData("\"cgroupVersion\":\\d", "\"cgroupVersion\":null", "found no limit")]
    [InlineData("\"cgroupVersion\":\\d", "\"cgroupVersion\":7", "ran under version 7 of cgroups")]
    [InlineData("\"cgroupVersion\":\\d", "\"cgroupVersion\":-1", "ran under version -1 of cgroups")]
    [InlineData("\"engine\":\"native\"", "\"engine\":\"libtorch\"", "is of another case: mmap-assign on cpu by libtorch")]
    [InlineData("\"seconds\":\\d", "\"seconds\":-1", "below zero")]
    [InlineData("(\"event\":\"verified\",\"tensors\":)\\d+", "${1}0", "none of")]
    public async Task A_log_that_contradicts_itself_or_its_pod_makes_no_pass(string sound, string damaged, string why)
    {
        await _cluster.ApplyAsync();
        var log = string.Concat(FakeEnd.Loaded(9).Lines.Select(line => line + "\n")).TrimEnd();
        Regex.IsMatch(log, sound).Should().BeTrue(log);
        _cluster.Log(FakeCluster.Mmap, Regex.Replace(log, sound, damaged) + "\n");

        await CollectAsync(1);

        (Results().Cases[0].Outcome, Results().Cases[0].Pass).Should().Be((Outcome.Error, false));
        Results().Cases[0].Message.Should().Contain(why);
    }

    [Fact]
    public async Task A_link_in_place_of_a_log_is_not_followed()
    {
        await _cluster.ApplyAsync();
        File.WriteAllText(_cluster.Loadline.Folder["secret"], "TOP-SECRET\n");
        foreach (var target in new[] { "/dev/zero", _cluster.Loadline.Folder["secret"], "../secret" })
        {
            foreach (var (name, exitCode) in new[] { (FakeCluster.Mmap, 0), (FakeCluster.Program, 3) })
            {
                _cluster.End(name, exitCode, exitCode == 0 ? "Completed" : "Error");
                _cluster.Log(name, null);
                File.CreateSymbolicLink(Path.Combine(_cluster.Loadline.Folder["logs"], _cluster.PodOf(name)["metadata"]!["name"] + ".log"), target);
            }

            await CollectAsync(1);

            Results().Cases[0].Message.Should().Contain("exit code 0 without a report; its log is a link, which is not followed: put the log itself there");
            (_cluster.Loadline.Out + _cluster.Loadline.Error + File.ReadAllText(_cluster.Loadline.Folder["head.json"])).Should().NotContain("TOP-SECRET");
        }

        Loadline.Checkpoints.Files.WholeFile.Read("/dev/zero").Should().BeEmpty();
    }

    // Outcomes that a cluster makes: an error each, whatever was expected.
    [Theory]
    [InlineData("""{ "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory." }""", "was evicted by its node, which says nothing of its cap: The node was low on resource: memory.")]
    [InlineData("""{ "phase": "Failed", "reason": "NodeShutdown" }""", "was ended by the cluster (NodeShutdown)")]
    [InlineData("""{ "phase": "Failed", "reason": "OutOfmemory", "message": "Node didn't have enough resource" }""", "was ended by the cluster (OutOfmemory): Node didn't have enough resource")]
    [InlineData("""{ "phase": "Failed", "conditions": [{ "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler" }], "containerStatuses": [{ "name": "case", "state": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } } }] }""", "was ended by the cluster (PreemptionByScheduler)")]
    [InlineData("""{ "phase": "Failed", "reason": "Evicted", "containerStatuses": [{ "name": "case", "state": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } } }] }""", "was evicted by its node")]
    [InlineData("""{ "phase": "Failed", "containerStatuses": [{ "name": "case", "state": { "terminated": { "exitCode": 137, "reason": "Error" } } }] }""", "was ended by SIGKILL, but not by its cap: the cluster says 'Error' and not OOMKilled")]
    [InlineData("""{ "phase": "Failed", "containerStatuses": [{ "name": "case", "state": { "terminated": { "exitCode": 137 } } }] }""", "was ended by SIGKILL, but not by its cap")]
    [InlineData("""{ "phase": "Failed", "containerStatuses": [{ "name": "case", "state": { "terminated": { "exitCode": 0, "signal": 9 } } }] }""", "has exit code 0 and signal 9")]
    [InlineData("""{ "phase": "Failed", "containerStatuses": [{ "name": "case", "state": { "terminated": { "exitCode": 128, "reason": "StartError", "message": "container init was OOM-killed" } } }] }""", "could not be started (StartError): container init was OOM-killed")]
    [InlineData("""{ "phase": "Failed", "containerStatuses": [{ "name": "case", "restartCount": 1, "state": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } } }] }""", "was restarted 1 times")]
    [InlineData("""{ "phase": "Failed", "containerStatuses": [{ "name": "istio-proxy", "state": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } } }] }""", "has no container 'case' that ended")]
    [InlineData("""{ "phase": "Failed" }""", "has no container 'case' that ended")]
    [InlineData("""{ "phase": "Failed", "reason": "DeadlineExceeded", "containerStatuses": [{ "name": "case", "state": { "waiting": { "reason": "ImagePullBackOff", "message": "Back-off" } } }] }""", "had not started when its timeout ended it (ImagePullBackOff): Back-off")]
    public async Task What_the_cluster_did_to_a_pod_is_told_and_is_no_kill_by_the_cap(string status, string why)
    {
        await _cluster.ApplyAsync();
        _cluster.Status(FakeCluster.Eager, status);

        await CollectAsync(1);

        var eager = Results().Cases[1];
        (eager.Outcome, eager.Pass).Should().Be((Outcome.Error, false));
        eager.Message.Should().Contain(why);
    }

    [Theory]
    [InlineData("""{ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu." }] }""", "waits for a GPU: no node has one free: 0/3 nodes are available")]
    [InlineData("""{ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient memory." }] }""", "waits for memory: no node has as much as its cap free")]
    [InlineData("""{ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules." }] }""", "waits for its turn on a node")]
    [InlineData("""{ "phase": "Pending", "containerStatuses": [{ "name": "case", "state": { "waiting": { "reason": "ErrImagePull", "message": "not found" } } }] }""", "has no image (ErrImagePull): not found")]
    [InlineData("""{ "phase": "Pending", "containerStatuses": [{ "name": "case", "state": { "waiting": { "reason": "ContainerCreating" } } }] }""", "has not started (ContainerCreating)")]
    [InlineData("""{ "phase": "Running", "containerStatuses": [{ "name": "case", "state": { "running": { "startedAt": "2026-11-26T10:00:00Z" } } }] }""", "still runs")]
    [InlineData("""{ "phase": "Pending" }""", "has not started (phase Pending)")]
    [InlineData("""{}""", "has not started (phase unknown)")]
    public async Task What_has_not_ended_makes_the_run_unended_which_no_command_takes_for_an_answer(string status, string why)
    {
        await _cluster.ApplyAsync();
        _cluster.Status(FakeCluster.Mmap, status);

        await CollectAsync(3);

        _cluster.Loadline.Error.Should().Contain("loadline: 1 of 4 cases has not ended: 'mmap survives': collect again when they have");
        var results = Results();
        results.Cases[0].Message.Should().Contain(why);
        (results.Cases[0].Outcome, results.Cases[0].Pass, results.Cases[0].ExitCode).Should().Be((Outcome.Error, false, null));
        (await _cluster.Loadline.RunAsync("compare", _cluster.Loadline.Folder["head.json"], _cluster.Loadline.Folder["head.json"])).Should().Be(2);
    }

    [Fact]
    public async Task A_sidecar_that_runs_on_hides_nothing_of_the_case()
    {
        await _cluster.ApplyAsync();
        var status = _cluster.PodOf(FakeCluster.Mmap)["status"]!;
        status["phase"] = "Running";
        status["containerStatuses"]!.AsArray().Insert(0, JsonNode.Parse("""{ "name": "istio-proxy", "state": { "running": {} } }"""));

        await CollectAsync(0);
    }

    [Fact]
    public async Task A_container_that_its_deadline_ended_is_a_timeout()
    {
        await _cluster.ApplyAsync();
        _cluster.End(FakeCluster.Eager, 137, "OOMKilled");
        _cluster.PodOf(FakeCluster.Eager)["status"]!["reason"] = "DeadlineExceeded";

        await CollectAsync(1);

        (Results().Cases[1].Outcome, Results().Cases[1].ExitCode).Should().Be((Outcome.Timeout, 137));
    }

    [Fact]
    public async Task Another_program_that_goes_on_when_the_cap_took_a_process_of_it_has_not_survived()
    {
        await _cluster.ApplyAsync();
        _cluster.End(FakeCluster.Program, 0, "OOMKilled");

        await CollectAsync(1);

        Results().Cases[3].Outcome.Should().Be(Outcome.Killed);
    }

    [Theory]
    [InlineData("limits", "memory", "2Gi", "had a limit of 2Gi, and not its cap of 1Gi")]
    [InlineData("limits", "memory", null, "had a limit of no memory")]
    [InlineData("requests", "memory", "512Mi", "had a request of 512Mi, and not its cap of 1Gi")]
    [InlineData("limits", "nvidia.com/gpu", "1", "had 1 GPUs, and its case says 0")]
    public async Task A_pod_that_the_cluster_gave_another_limit_has_not_run_the_case(string list, string what, string? quantity, string why)
    {
        await _cluster.ApplyAsync();
        var resources = _cluster.PodOf(FakeCluster.Mmap)["spec"]!["containers"]![0]!["resources"]![list]!.AsObject();
        if (quantity is null) resources.Remove(what);
        else resources[what] = quantity;

        await CollectAsync(1);

        Results().Cases[0].Message.Should().Contain(why);
    }

    [Fact]
    public async Task The_same_limit_in_other_words_is_the_cap()
    {
        await _cluster.ApplyAsync();
        _cluster.PodOf(FakeCluster.Mmap)["spec"]!["containers"]![0]!["resources"]!["limits"]!["memory"] = "1073741824";

        await CollectAsync(0);
    }

    [Fact]
    public async Task A_pod_of_an_earlier_budget_file_does_not_stand_for_a_case_that_has_changed()
    {
        await _cluster.ApplyAsync();
        File.WriteAllText(_cluster.BudgetsPath, File.ReadAllText(_cluster.BudgetsPath).Replace("\"verify\": \"digest\", ", ""));

        await CollectAsync(1);

        Results().Cases[0].Message.Should().Contain("ran another command than its case says");
    }

    [Theory]
    [InlineData(FailedEvent.NotFound, "/checkpoints/bad.pth: there is no such file or folder")]
    [InlineData(FailedEvent.Unreadable, "/checkpoints/bad.pth: cannot be opened: Permission denied")]
    [InlineData(FailedEvent.Arguments, "--passes 3 is not understood")]
    public async Task A_worker_that_never_saw_the_checkpoint_has_not_refused_it(string cause, string message)
    {
        await _cluster.ApplyAsync();
        _cluster.End(FakeCluster.Refused, 2, "Error", new FakeEnd(2, FakeEnd.Line(new FailedEvent("refused", message) { Cause = cause })));

        await CollectAsync(1);

        (Results().Cases[2].Outcome, Results().Cases[2].Reason).Should().Be((Outcome.Error, $"{message} ({cause})"));
    }

    [Fact]
    public async Task A_case_without_a_pod_has_been_lost()
    {
        await _cluster.ApplyAsync();
        _cluster.Remove(FakeCluster.Eager);

        await CollectAsync(3);

        Results().Cases[1].Message.Should().Contain("there is no pod of it in pods.json");
        (await _cluster.CollectAsync("--filter", "mmap")).Should().Be(0);
    }

    [Fact]
    public async Task A_pod_of_no_case_is_named_and_changes_nothing()
    {
        await _cluster.ApplyAsync();
        var other = _cluster.PodOf(FakeCluster.Mmap).DeepClone().AsObject();
        other["metadata"]!["name"] = "other";
        other["metadata"]!["labels"]!["loadline.case"] = "other";
        _cluster.Add(other);

        await CollectAsync(0);

        Results().Notes.Should().Equal("pod other is of no case of the budget file");
    }

    [Fact]
    public async Task Of_pods_without_logs_by_the_thousand_the_first_are_named_and_the_others_counted()
    {
        await _cluster.ApplyAsync();
        var pod = _cluster.PodOf(FakeCluster.Mmap);
        for (var i = 0; i < 1000; i++)
        {
            var other = pod.DeepClone().AsObject();
            other["metadata"]!["name"] = $"z{i}";
            _cluster.Add(other);
        }

        await CollectAsync(1);

        Results().Notes.Should().HaveCount(101).And.HaveElementAt(100, "900 more logs are not there or not whole");
    }

    [Fact]
    public async Task Of_two_pods_of_one_case_the_worse_one_stands()
    {
        await _cluster.ApplyAsync();
        var second = _cluster.PodOf(FakeCluster.Mmap).DeepClone().AsObject();
        second["metadata"]!["name"] = "second";
        second["status"]!["containerStatuses"]![0]!["state"]!["terminated"]!["exitCode"] = 1;
        _cluster.Add(second);

        await CollectAsync(1);

        Results().Cases[0].Outcome.Should().Be(Outcome.Error);
    }

    [Fact]
    public async Task Pods_of_two_runs_are_told_apart_by_their_name()
    {
        await _cluster.ApplyAsync();
        var other = _cluster.PodOf(FakeCluster.Mmap).DeepClone().AsObject();
        other["metadata"]!["name"] = "other";
        other["metadata"]!["labels"]!["loadline.run"] = "r2";
        other["status"]!["phase"] = "Running";
        _cluster.Add(other);

        await CollectAsync(2);
        _cluster.Loadline.Error.Should().Contain("has pods of 2 runs, r1, r2: name one with --run");
        (await _cluster.CollectAsync("--run", "r1")).Should().Be(0);
        (await _cluster.CollectAsync("--run", "r3")).Should().Be(2);
    }

    [Fact]
    public async Task An_engine_that_no_pod_has_is_skipped_unless_it_is_demanded()
    {
        File.WriteAllText(_cluster.BudgetsPath, File.ReadAllText(_cluster.BudgetsPath).Replace(
            "\"strategy\": \"mmap-assign\",", "\"strategy\": \"mmap-assign\", \"engine\": \"libtorch\","));
        await _cluster.ApplyAsync();

        await CollectAsync(0);
        Results().Skipped.Should().ContainSingle().Which.Should().Be(new SkippedCase(FakeCluster.Mmap, "no pod of the run has the engine libtorch"));

        _cluster.Loadline.Required = "libtorch";
        await CollectAsync(3);
    }

    [Theory]
    [InlineData("""{ "kind": "List", "items": [] }""", "none of its pods has the label loadline.run")]
    [InlineData("""{ "kind": "JobList", "items": [] }""", "holds no pods")]
    [InlineData("[]", "holds no pods")]
    [InlineData("no resources found", "holds no pods")]
    [InlineData("""{ "kind": "List", "items": [null] }""", "holds no pods")]
    [InlineData("""{ "kind": "List", "items": [{ "metadata": { "name": "../../etc/passwd", "labels": { "loadline.run": "r1" } }, "spec": {}, "status": {} }] }""", "'../../etc/passwd' is no name of a pod")]
    [InlineData("""{ "kind": "List", "items": [{ "metadata": { "name": "a", "labels": { "loadline.run": "r1" } }, "spec": {}, "status": {} }, { "metadata": { "name": "a", "labels": { "loadline.run": "r1" } }, "spec": {}, "status": {} }] }""", "pod a stands there twice")]
    [InlineData("""{ "kind": "List", "items": [{ "metadata": { "name": "a", "namespace": "b", "labels": { "loadline.run": "r1" } }, "spec": {}, "status": {} }, { "metadata": { "name": "a", "namespace": "c", "labels": { "loadline.run": "r1" } }, "spec": {}, "status": {} }] }""", "of several namespaces collect one at a time")]
    [InlineData("""{ "kind": "List", "items": [{ "metadata": { "name": "a", "labels": { "loadline.run": "r1" } } }] }""", "'spec', 'status'")]
    [InlineData("""{ "kind": "Pod", "metadata": { "name": "a" }, "spec": {}, "status": { "containerStatuses": [{ "name": "case", "state": { "terminated": {} } }] } }""", "'exitCode'")]
    public async Task What_is_no_list_of_pods_is_refused_in_one_line(string json, string problem)
    {
        File.WriteAllText(_cluster.PodsPath, json);

        (await _cluster.Loadline.RunAsync("collect", _cluster.PodsPath, "--budgets", _cluster.BudgetsPath)).Should().Be(2);

        _cluster.Loadline.Error.Should().StartWith("loadline: ").And.Contain(problem);
        _cluster.Loadline.Error.TrimEnd().Should().NotContain("\n");
    }

    [Fact]
    public async Task A_file_of_many_small_pods_takes_no_more_than_its_bytes_are_good_for()
    {
        await _cluster.ApplyAsync();
        File.WriteAllText(_cluster.PodsPath, """{"kind":"List","items":[""" + string.Join(",", Enumerable.Repeat("""{"metadata":{"name":"a"}}""", 1_000_000)) + "]}");

        (await _cluster.Loadline.RunAsync("collect", _cluster.PodsPath, "--budgets", _cluster.BudgetsPath)).Should().Be(2);

        _cluster.Loadline.Error.Should().MatchRegex(@"pods\.json:1: holds no pods: [^\n]+ it tells more values than the 24\.\d MiB that it has are good for\n\z");
    }

    [Fact]
    public async Task One_pod_alone_is_read_as_kubectl_prints_it()
    {
        await _cluster.ApplyAsync();
        File.WriteAllText(_cluster.PodsPath, _cluster.PodOf(FakeCluster.Mmap).ToJsonString());

        (await _cluster.Loadline.RunAsync("collect", _cluster.PodsPath, "--logs", _cluster.Loadline.Folder["logs"], "--budgets", _cluster.BudgetsPath, "--filter", "mmap")).Should().Be(0);
    }

    private ResultFile Results() => ResultFile.Read(_cluster.Loadline.Folder["head.json"]);

    private async Task<string> CollectAsync(int exitCode, params string[] options)
    {
        var before = _cluster.Loadline.Error.Length;
        (await _cluster.CollectAsync(options)).Should().Be(exitCode, _cluster.Loadline.Error + _cluster.Loadline.Out);
        return _cluster.Loadline.Error[before..];
    }
}
