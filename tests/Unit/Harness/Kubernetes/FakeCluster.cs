using System.Text.Json.Nodes;
using Loadline.Measuring;

namespace Loadline.Unit.Harness.Kubernetes;

/// <summary>
/// A cluster that runs nothing: it takes the pods that <c>loadline kubernetes</c> writes, gives each the status and the log of a test, and prints them as
/// <c>kubectl</c> does.
/// </summary>
internal sealed class FakeCluster : IDisposable
{
    public const string Mmap = "mmap survives";
    public const string Eager = "eager is killed";
    public const string Refused = "nonsense is refused";
    public const string Program = "another program";

    private const string Budgets = """
        {
          "checkpoints": { "m": { "model": "gpt2-medium", "format": "pth" }, "bad": { "path": "bad.pth" } },
          "cases": [
            { "name": "mmap survives", "checkpoint": "m", "strategy": "mmap-assign", "device": "cpu", "cap": "1GiB", "expect": "loaded",
              "verify": "digest", "peakAnonymous": "54MiB", "why": "pages are reclaimable" },
            { "name": "eager is killed", "checkpoint": "m", "strategy": "eager", "device": "cpu", "cap": "1GiB", "expect": "killed", "why": "twice the weights" },
            { "name": "nonsense is refused", "checkpoint": "bad", "strategy": "eager", "device": "cpu", "cap": "1GiB", "expect": "refused", "why": "it is none" },
            { "name": "another program", "checkpoint": "m", "image": "python:3", "cap": "1GiB", "expect": "loaded",
              "command": ["python3", "load.py", "{checkpoint}"], "why": "any program" }
          ]
        }
        """;

    private readonly List<JsonObject> _pods = [];

    public FakeCluster(string budgets = Budgets)
    {
        File.WriteAllText(BudgetsPath, budgets);
        Directory.CreateDirectory(Loadline.Folder["logs"]);
    }

    public FakeHarness Loadline { get; } = new();

    public string BudgetsPath => Loadline.Folder["budgets.json"];

    public string PodsPath => Loadline.Folder["pods.json"];

    /// <summary>The pods, as the manifests have them, with what tests gave them.</summary>
    public IReadOnlyList<JsonObject> Pods => _pods;

    public void Dispose() => Loadline.Dispose();

    /// <summary>Takes in what the command writes, each with the end that its case expects.</summary>
    public async Task<FakeCluster> ApplyAsync(string run = "r1")
    {
        var before = Loadline.Out.Length;
        (await Loadline.RunAsync("kubernetes", "--budgets", BudgetsPath, "--image", "w:1", "--kind", "Pod", "--run", run)).Should().Be(0, Loadline.Error);
        foreach (var pod in YamlReader.Read(Loadline.Out[before..]).Where(o => o["kind"]!.ToString() == "Pod"))
        {
            pod["metadata"]!["uid"] = Guid.NewGuid().ToString();
            pod["spec"]!["nodeName"] = "node-1";
            _pods.Add(pod);
        }

        End(Mmap, 0, "Completed", FakeEnd.Loaded(9));
        End(Eager, 137, "OOMKilled", FakeEnd.Killed(900));
        End(Refused, 2, "Error", new FakeEnd(2, FakeEnd.Loaded(9).Lines[0], FakeEnd.Line(new FailedEvent("refused", "/checkpoints/bad.pth: is no checkpoint"))));
        End(Program, 0, "Completed", new FakeEnd(0, "loaded 413 tensors"));
        return this;
    }

    public JsonObject PodOf(string name) => _pods.Single(pod => pod["metadata"]!["annotations"]!["loadline.name"]!.ToString() == name);

    /// <summary>Ends a case's container.</summary>
    public void End(string name, int exitCode, string reason, FakeEnd? log = null)
    {
        if (!_pods.Exists(pod => pod["metadata"]!["annotations"]!["loadline.name"]!.ToString() == name)) return;
        Status(name, $$"""
            { "phase": "{{(exitCode == 0 ? "Succeeded" : "Failed")}}", "qosClass": "Burstable", "containerStatuses": [
              { "name": "case", "image": "w:1", "imageID": "w@sha256:0", "containerID": "containerd://0", "ready": false, "started": false, "restartCount": 0, "lastState": {},
                "state": { "terminated": { "exitCode": {{exitCode}}, "reason": "{{reason}}", "startedAt": "2026-11-26T10:00:00Z", "finishedAt": "2026-11-26T10:00:07Z" } } } ] }
            """);
        if (log is not null) Log(name, string.Concat(log.Lines.Select(line => line + "\n")));
    }

    public void Status(string name, string json) => PodOf(name)["status"] = JsonNode.Parse(json);

    /// <summary>Writes a case's log; null removes it.</summary>
    public void Log(string name, string? text)
    {
        var path = Path.Combine(Loadline.Folder["logs"], PodOf(name)["metadata"]!["name"] + ".log");
        if (text is null) File.Delete(path);
        else File.WriteAllText(path, text);
    }

    public void Remove(string name) => _pods.Remove(PodOf(name));

    public void Add(JsonObject pod) => _pods.Add(pod);

    /// <summary>What <c>kubectl get pods -o json</c> prints.</summary>
    public JsonObject List() => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "List",
        ["metadata"] = new JsonObject { ["resourceVersion"] = "" },
        ["items"] = new JsonArray([.. _pods.Select(pod => pod.DeepClone())]),
    };

    public async Task<int> CollectAsync(params string[] options)
    {
        File.WriteAllText(PodsPath, List().ToJsonString());
        return await Loadline.RunAsync(["collect", PodsPath, "--logs", Loadline.Folder["logs"], "--budgets", BudgetsPath, "--results", Loadline.Folder["head.json"], .. options]);
    }
}
