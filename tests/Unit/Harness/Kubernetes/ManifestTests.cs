using System.Text.Json.Nodes;
using Loadline.Harness;
using Loadline.Harness.Budgets;

namespace Loadline.Unit.Harness.Kubernetes;

/// <summary><c>loadline kubernetes</c>, by what stands in its YAML.</summary>
public sealed class ManifestTests : IDisposable
{
    private const string Budgets = """
        {
          "checkpoints": {
            "m": { "model": "gpt2-medium", "format": "pth", "dtype": "float32" },
            "own": { "path": "weights/model.safetensors" },
            "shards": { "path": "/srv/llama/model.safetensors.index.json" }
          },
          "cases": [
            { "name": "mmap survives", "checkpoint": "m", "strategy": "mmap-assign", "device": "cpu", "cap": "64MiB", "expect": "loaded",
              "verify": "digest", "timeout": "90s", "why": "pages are reclaimable" },
            { "name": "onto a GPU", "checkpoint": "shards", "strategy": "streamed", "device": "cuda:1", "cap": "1GiB", "expect": "loaded", "ring": "8MiB", "why": "a ring" },
            { "name": "by a map", "checkpoint": "own", "strategy": "device-map", "device": "cpu,disk", "map": "map.json", "cap": "1GiB", "expect": "loaded", "why": "placed" },
            { "name": "another program", "checkpoint": "own", "image": "loadline-pytorch:2.6", "cap": "3GiB", "expect": "loaded",
              "command": ["python3", "-c", "print('$HOME $(PWD) é 🚢')", "{checkpoint}"], "why": "any program" },
            { "name": "libtorch", "checkpoint": "m", "strategy": "eager", "device": "cpu", "engine": "libtorch", "cap": "4GiB", "expect": "loaded", "why": "its tensors" }
          ]
        }
        """;

    private readonly FakeHarness _loadline = new();

    public ManifestTests()
    {
        File.WriteAllText(_loadline.Folder["budgets.json"], Budgets);
        File.WriteAllText(_loadline.Folder["map.json"], """{ "": "cpu" }""");
    }

    public void Dispose() => _loadline.Dispose();

    [Theory]
    [InlineData("Job")]
    [InlineData("Pod")]
    public async Task Each_object_is_one_by_the_published_schema(string kind)
    {
        var objects = await WriteAsync("--kind", kind, "--namespace", "ml", "--checkpoints", "pvc:models/gpt2");

        objects.Select(o => o["kind"]!.ToString()).Should().Equal(kind, kind, "ConfigMap", kind, kind, kind);
        objects.Should().AllSatisfy(o => KubernetesSchema.Problems(o["kind"]!.ToString(), o).Should().BeEmpty());
        objects.Select(o => o["metadata"]!["namespace"]!.ToString()).Should().AllBe("ml");
    }

    [Theory]
    [InlineData("spec.backoffLimit", "\"0\"")]
    [InlineData("spec.backofflimit", "0")]
    [InlineData("spec.template.spec.containers.0.resources.limits.memory", "67108864")]
    [InlineData("spec.template.spec.containers.0.resources.limits.memory", "\"64MiB\"")]
    [InlineData("spec.template.spec.containers.0.readOnlyRootFilesystem", "true")]
    [InlineData("spec.template.spec.containers.0.name", "null")]
    [InlineData("apiVersion", "\"v1\"")]
    public async Task The_schema_refuses_what_Kubernetes_would_not_take(string path, string json)
    {
        var job = (await WriteAsync())[0];
        Set(job, path, JsonNode.Parse(json));

        KubernetesSchema.Problems("Job", job).Should().NotBeEmpty();
    }

    [Fact]
    public async Task A_case_is_one_container_that_has_its_cap_and_nothing_else()
    {
        var job = (await WriteAsync("--checkpoints", "pvc:models/gpt2"))[0];
        var pod = job["spec"]!["template"]!["spec"]!;
        var container = pod["containers"]!.AsArray().Should().ContainSingle().Which!;

        job["spec"]!["backoffLimit"]!.ToString().Should().Be("0");
        (pod["restartPolicy"]!.ToString(), pod["activeDeadlineSeconds"]!.ToString(), pod["automountServiceAccountToken"]!.ToString()).Should().Be(("Never", "90", "false"));
        pod["securityContext"]!.ToJsonString().Should().Be("""{"runAsNonRoot":true,"runAsUser":65534,"runAsGroup":65534,"seccompProfile":{"type":"RuntimeDefault"}}""");
        container["securityContext"]!.ToJsonString().Should().Be("""{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}}""");
        container["resources"]!.ToJsonString().Should().Be("""{"requests":{"memory":"64Mi"},"limits":{"memory":"64Mi"}}""");
        container["image"]!.ToString().Should().Be("registry.example/worker:1");
        container["command"].Should().BeNull("the image's own program is the worker");
        Words(container, "args").Should().Equal("/checkpoints/gpt2-medium-float32-0.pth", "--strategy", "mmap-assign", "--device", "cpu", "--model", "gpt2-medium", "--verify", "digest");
        container["env"]!.AsArray().Select(v => v!["name"]!.ToString()).Should().Contain("DOTNET_GCgen0size");
        container["volumeMounts"]!.ToJsonString().Should().Be("""[{"name":"checkpoints","mountPath":"/checkpoints","readOnly":true,"subPath":"gpt2"}]""");
        pod["volumes"]!.ToJsonString().Should().Be("""[{"name":"checkpoints","persistentVolumeClaim":{"claimName":"models","readOnly":true}}]""");
    }

    [Fact]
    public async Task Labels_say_which_run_and_which_case_of_the_object_and_of_its_pod()
    {
        var job = (await WriteAsync("--run", "pr-17"))[0];
        var labels = job["metadata"]!["labels"]!;

        labels["loadline.run"]!.ToString().Should().Be("pr-17");
        labels["loadline.case"]!.ToString().Should().StartWith("mmap-survives-");
        job["metadata"]!["annotations"]!["loadline.name"]!.ToString().Should().Be("mmap survives");
        job["spec"]!["template"]!["metadata"]!["labels"]!.ToJsonString().Should().Be(labels.ToJsonString());
        _loadline.Error.Should().Contain("loadline.run=pr-17");
    }

    [Fact]
    public async Task Two_that_read_one_checkpoint_do_not_run_on_one_node_at_a_time()
    {
        var objects = await WriteAsync();

        var (mmap, gpu) = (objects[0], objects[1]);
        Turn(mmap).Should().Be(mmap["metadata"]!["labels"]!["loadline.checkpoint"]!.ToString()).And.NotBe(Turn(gpu));

        static string Turn(JsonObject job) => job["spec"]!["template"]!["spec"]!["affinity"]!["podAntiAffinity"]!["requiredDuringSchedulingIgnoredDuringExecution"]![0]!
            ["labelSelector"]!["matchLabels"]!["loadline.checkpoint"]!.ToString();
    }

    [Fact]
    public async Task A_load_onto_a_GPU_asks_for_as_many_as_its_device_needs()
    {
        var container = Container((await WriteAsync())[1]);

        container["resources"]!["limits"]!.ToJsonString().Should().Be("""{"memory":"1Gi","nvidia.com/gpu":"2"}""");
        Words(container, "args")[0].Should().Be("/checkpoints/llama/model.safetensors.index.json");
    }

    [Fact]
    public async Task The_file_of_a_map_comes_with_the_case()
    {
        var objects = await WriteAsync();
        var (map, job) = (objects[2], objects[3]);

        map["data"]!["map.json"]!.ToString().Should().Be("""{ "": "cpu" }""");
        job["spec"]!["template"]!["spec"]!["volumes"]![0]!["configMap"]!["name"]!.ToString().Should().Be(map["metadata"]!["name"]!.ToString());
        Words(Container(job), "args").Should().ContainInConsecutiveOrder("--map", "/maps/map.json");
    }

    [Fact]
    public async Task Another_program_runs_in_its_own_image_by_its_own_words_of_which_no_variable_is_expanded()
    {
        var container = Container((await WriteAsync())[4]);

        container["image"]!.ToString().Should().Be("loadline-pytorch:2.6");
        Words(container, "command").Should().Equal("python3");
        Words(container, "args").Should().Equal("-c", "print('$$HOME $$(PWD) é 🚢')", "/checkpoints/model.safetensors");
        container["env"].Should().BeNull("the settings are the worker's");
    }

    [Fact]
    public async Task The_same_input_is_the_same_text_and_another_image_another_run()
    {
        (await WriteAsync()).Select(o => o.ToJsonString()).Should().Equal((await WriteAsync()).Select(o => o.ToJsonString()));

        var other = await RunsOfAsync("--image", "registry.example/worker:2");
        other.Should().ContainSingle().Which.Should().NotBe((await RunsOfAsync("--image", "registry.example/worker:1")).Single());
    }

    [Fact]
    public async Task Nothing_of_this_machine_or_of_its_environment_is_written()
    {
        await WriteAsync("--checkpoints", "hostPath:/srv/models");

        _loadline.Out.Should().NotContain(_loadline.Folder.Path).And.NotContain(Environment.MachineName).And.NotContain(Environment.CurrentDirectory);
        _loadline.Runtime.Specs.Should().BeEmpty();
        _loadline.Maker.Made.Should().BeEmpty();
    }

    [Fact]
    public async Task All_of_a_node_is_its_root()
    {
        await WriteAsync("--checkpoints", "hostPath://");

        _loadline.Out.Should().MatchRegex("path: (\"/\"|/)\n");
    }

    [Fact]
    public async Task Cases_of_an_engine_without_an_image_are_skipped_unless_they_are_demanded()
    {
        (await RunAsync("--image", "w:1")).Should().Be(0);
        _loadline.Error.Should().StartWith("loadline: 1 case with libtorch skipped: no image has it: name one with --image libtorch=IMAGE\n");

        _loadline.Required = "libtorch";
        (await RunAsync("--image", "w:1")).Should().Be(3);
        (await RunAsync("--image", "libtorch=w:1", "--filter", "libtorch")).Should().Be(0);
    }

    [Theory]
    [InlineData("--checkpoints", "models", "'models' is no place for checkpoints: write pvc:NAME/PATH or hostPath:PATH")]
    [InlineData("--checkpoints", "pvc:Models", "'pvc:Models' names no claim")]
    [InlineData("--checkpoints", "pvc:models/../secrets", "leaves its folder")]
    [InlineData("--checkpoints", "hostPath:models", "names no folder of the nodes")]
    [InlineData("--checkpoints", "hostPath:/srv/../etc", "leaves its folder")]
    [InlineData("--namespace", "Kube_System", "is no namespace")]
    [InlineData("--run", "a b", "is no label")]
    [InlineData("--kind", "Deployment", "unknown kind 'Deployment': known are Job, Pod")]
    [InlineData("--image", "onnx=w:1", "unknown engine 'onnx'")]
    [InlineData("--image", "w 1", "names no image")]
    [InlineData("--image", "v:1", "there are two images for engine native")]
    [InlineData("--filter", "nothing", "none of its 5 cases has 'nothing' in its name")]
    public async Task What_no_cluster_would_take_is_refused_in_one_line(string option, string value, string problem)
    {
        (await RunAsync("--image", "w:1", option, value)).Should().Be(2);

        _loadline.Error.Should().StartWith("loadline: ").And.Contain(problem);
        _loadline.Out.Should().BeEmpty();
    }

    [Fact]
    public void Two_checkpoints_of_one_name_are_refused()
    {
        var file = BudgetFile.Read(_loadline.Folder["budgets.json"]);
        var both = file with { Checkpoints = new Dictionary<string, CheckpointSource>(file.Checkpoints) { ["other"] = new CheckpointAt("/a/model.safetensors") { Name = "other" } } };

        FluentActions.Invoking(() => Loadline.Harness.Kubernetes.ClusterCase.Of(both)).Should().Throw<InputException>()
            .WithMessage("*checkpoints 'own' and 'other' are both model.safetensors in /checkpoints*");
    }

    private static JsonNode Container(JsonObject job) => job["spec"]!["template"]!["spec"]!["containers"]![0]!;

    private static IReadOnlyList<string> Words(JsonNode container, string member) => [.. container[member]!.AsArray().Select(word => word!.ToString())];

    private static void Set(JsonNode node, string path, JsonNode? value)
    {
        var parts = path.Split('.');
        foreach (var part in parts[..^1]) node = int.TryParse(part, out var index) ? node[index]! : node[part]!;
        node[parts[^1]] = value;
    }

    private Task<int> RunAsync(params string[] options) => _loadline.RunAsync(["kubernetes", "--budgets", _loadline.Folder["budgets.json"], .. options]);

    private async Task<IReadOnlyList<string>> RunsOfAsync(params string[] options)
    {
        var before = _loadline.Out.Length;
        (await RunAsync(options)).Should().Be(0);
        return [.. YamlReader.Read(_loadline.Out[before..]).Select(o => o["metadata"]!["labels"]!["loadline.run"]!.ToString()).Distinct()];
    }

    private async Task<IReadOnlyList<JsonObject>> WriteAsync(params string[] options)
    {
        var before = _loadline.Out.Length;
        (await RunAsync(["--image", "registry.example/worker:1", "--image", "libtorch=registry.example/libtorch:1", .. options])).Should().Be(0, _loadline.Error);
        return YamlReader.Read(_loadline.Out[before..]);
    }
}
